"""`tf.contrib.slim.learning` and `slim.evaluation`: training and evaluation in one call."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from penstock.contrib import training
from penstock.ops.math.compare import equal, greater_equal
from penstock.platform import logging
from penstock.summary.v1 import merge_all
from penstock.summary.writer import FileWriterCache
from penstock.train.global_step import get_global_step, get_or_create_global_step
from penstock.train.monitored.monitored_session import ChiefSessionCreator, MonitoredSession
from penstock.train.monitored.scaffold import Scaffold
from penstock.train.monitored.step_hooks import FinalOpsHook
from penstock.train.monitored.supervisor import Supervisor
from penstock.train.optimizer import Optimizer
from penstock.train.saver import Saver

# Stands for arguments that are taken from the graph, since None switches them off.
USE_DEFAULT = 0

clip_gradient_norms = training.clip_gradient_norms
multiply_gradients = training.multiply_gradients
add_gradients_summaries = training.add_gradients_summaries


def create_train_op(
    total_loss: Any,
    optimizer: Any,
    global_step: Any = training.USE_GLOBAL_STEP,
    update_ops: Any = None,
    variables_to_train: Sequence[Any] | None = None,
    clip_gradient_norm: float = 0,
    summarize_gradients: bool = False,
    gate_gradients: int = Optimizer.GATE_OP,
    aggregation_method: Any = None,
    colocate_gradients_with_ops: bool = False,
    gradient_multipliers: dict[Any, Any] | None = None,
    check_numerics: bool = True,
) -> Any:
    """Return a tensor that trains when it is evaluated; see `tf.contrib.training.create_train_op`.

    Args:
        total_loss, optimizer, global_step, update_ops, variables_to_train: see there.
        clip_gradient_norm: if above 0, the largest norm of a gradient.
        summarize_gradients, gate_gradients, aggregation_method, colocate_gradients_with_ops: see there.
        gradient_multipliers: see `multiply_gradients`.
        check_numerics: see there.
    """

    def transform(pairs: Any) -> Any:
        if gradient_multipliers:
            pairs = training.multiply_gradients(pairs, gradient_multipliers)
        return training.clip_gradient_norms(pairs, clip_gradient_norm) if clip_gradient_norm > 0 else pairs

    return training.create_train_op(
        total_loss,
        optimizer,
        global_step,
        update_ops,
        variables_to_train,
        transform,
        summarize_gradients,
        gate_gradients,
        aggregation_method,
        colocate_gradients_with_ops,
        check_numerics,
    )


def train_step(sess: Any, train_op: Any, global_step: Any, train_step_kwargs: dict[str, Any]) -> tuple[Any, bool]:
    """Take one step.

    Args:
        sess: the session.
        train_op: trains, and yields the loss.
        global_step: the global step.
        train_step_kwargs: may hold tensors "should_log" and "should_stop".

    Returns:
        The loss, and whether training is to stop.
    """
    start = time.monotonic()
    loss, step = sess.run([train_op, global_step])
    seconds = time.monotonic() - start
    if "should_log" in train_step_kwargs and sess.run(train_step_kwargs["should_log"]):
        logging.info("global step %d: loss = %.4f (%.3f sec/step)", step, loss, seconds)
    stop = train_step_kwargs.get("should_stop")
    return loss, False if stop is None else bool(sess.run(stop))


def train(
    train_op: Any,
    logdir: str | None,
    train_step_fn: Callable[..., tuple[Any, bool]] = train_step,
    train_step_kwargs: Any = USE_DEFAULT,
    log_every_n_steps: int = 1,
    graph: Any = None,
    master: str = "",
    is_chief: bool = True,
    global_step: Any = None,
    number_of_steps: int | None = None,
    init_op: Any = USE_DEFAULT,
    init_feed_dict: Any = None,
    local_init_op: Any = USE_DEFAULT,
    init_fn: Callable[[Any], Any] | None = None,
    ready_op: Any = USE_DEFAULT,
    summary_op: Any = USE_DEFAULT,
    save_summaries_secs: float = 600,
    summary_writer: Any = USE_DEFAULT,
    startup_delay_steps: int = 0,
    saver: Any = None,
    save_interval_secs: float = 600,
    sync_optimizer: Any = None,
    session_config: Any = None,
    session_wrapper: Callable[[Any], Any] | None = None,
    trace_every_n_steps: int | None = None,
    ignore_live_threads: bool = False,
) -> Any:
    """Train until a number of steps, or until the input ends.

    Args:
        train_op: trains, and yields the loss.
        logdir: the folder of checkpoints and summaries, or None.
        train_step_fn: takes a step; see `train_step`.
        train_step_kwargs: its last argument, by default tensors that tell when to log and to stop.
        log_every_n_steps: how often the loss is logged.
        graph: the graph, by default that of `train_op`.
        master, is_chief, init_op, init_feed_dict, local_init_op, init_fn, ready_op: see `tf.train.Supervisor`.
        global_step: by default that of the graph.
        number_of_steps: the global step to stop at; None for no limit.
        summary_op, save_summaries_secs, summary_writer: see `tf.train.Supervisor`.
        startup_delay_steps: a worker waits until the global step is this.
        saver: by default a new one.
        save_interval_secs: seconds between checkpoints.
        sync_optimizer, trace_every_n_steps: accepted if None.
        session_config: a ConfigProto.
        session_wrapper: from the session to one that is used in its place.
        ignore_live_threads: whether to end although threads are left.

    Returns:
        The last loss.

    Raises:
        ValueError: if there is no `train_op`, or an argument is not supported.
    """
    if train_op is None:
        raise ValueError("train_op cannot be None.")
    if sync_optimizer is not None or trace_every_n_steps is not None:
        raise ValueError("sync_optimizer and trace_every_n_steps are not supported: see tf.train.ProfilerHook")
    graph = graph or train_op.graph
    with graph.as_default():
        step = get_or_create_global_step() if global_step is None else global_step
        if train_step_kwargs == USE_DEFAULT:
            train_step_kwargs = {}
            if number_of_steps is not None:
                train_step_kwargs["should_stop"] = greater_equal(step, number_of_steps)
            if log_every_n_steps > 0:
                train_step_kwargs["should_log"] = equal(step % log_every_n_steps, 0)
        supervisor = Supervisor(
            graph=graph,
            is_chief=is_chief,
            logdir=logdir,
            init_op=init_op,
            init_feed_dict=init_feed_dict,
            local_init_op=local_init_op,
            ready_op=ready_op,
            summary_op=summary_op,
            summary_writer=summary_writer,
            global_step=step,
            saver=saver or Saver(),
            save_summaries_secs=save_summaries_secs,
            save_model_secs=save_interval_secs,
            init_fn=init_fn,
        )
    loss = None
    with supervisor.managed_session(master, start_standard_services=False, config=session_config) as session:
        logging.info("Starting Session.")
        used = session if session_wrapper is None else session_wrapper(session)
        if is_chief and logdir:
            supervisor.start_standard_services(session)
        while startup_delay_steps > 0 and not is_chief and int(session.run(step)) < startup_delay_steps:
            time.sleep(1)
        threads = supervisor.start_queue_runners(session)
        while not supervisor.should_stop():
            loss, should_stop = train_step_fn(used, train_op, step, train_step_kwargs)
            if should_stop:
                logging.info("Stopping Training.")
                supervisor.request_stop()
        if logdir and is_chief:
            logging.info("Finished training! Saving model to disk.")
            supervisor.saver.save(session, supervisor.save_path, global_step=step)
        supervisor.stop(threads, close_summary_writer=True, ignore_live_threads=ignore_live_threads)
    return loss


def evaluate_once(
    master: str,
    checkpoint_path: str | None,
    logdir: str | None,
    num_evals: int = 1,
    initial_op: Any = None,
    initial_op_feed_dict: Any = None,
    eval_op: Any = None,
    eval_op_feed_dict: Any = None,
    final_op: Any = None,
    final_op_feed_dict: Any = None,
    summary_op: Any = USE_DEFAULT,
    summary_op_feed_dict: Any = None,
    variables_to_restore: Any = None,
    session_config: Any = None,
    hooks: Sequence[Any] | None = None,
) -> Any:
    """Restore a checkpoint and evaluate it.

    Args:
        master: the target of the session.
        checkpoint_path: the checkpoint.
        logdir: the folder for summaries, or None.
        num_evals: how often `eval_op` is run.
        initial_op, initial_op_feed_dict: run once before.
        eval_op, eval_op_feed_dict: run `num_evals` times, as a rule the updates of metrics.
        final_op, final_op_feed_dict: run once after, as a rule the values of metrics.
        summary_op, summary_op_feed_dict: the summaries, by default all; None for none.
        variables_to_restore: by default all.
        session_config: a ConfigProto.
        hooks: `SessionRunHook`s.

    Returns:
        The value of `final_op`.
    """
    summaries = merge_all() if isinstance(summary_op, int) and summary_op == USE_DEFAULT else summary_op
    step = get_global_step()
    scaffold = Scaffold(saver=Saver(variables_to_restore))
    creator = ChiefSessionCreator(scaffold, master, session_config, checkpoint_filename_with_path=checkpoint_path)
    requests: dict[str, Any] = {"final": final_op} if final_op is not None else {}
    if summaries is not None and logdir:
        requests["summary"] = summaries
        if step is not None:
            requests["step"] = step
    final = FinalOpsHook(requests or None, {**(final_op_feed_dict or {}), **(summary_op_feed_dict or {})} or None)
    with MonitoredSession(creator, [final, *(hooks or [])]) as session:
        if initial_op is not None:
            session.run(initial_op, initial_op_feed_dict)
        for _ in range(num_evals if eval_op is not None else 0):
            session.run(eval_op, eval_op_feed_dict)
    values = final.final_ops_values or {}
    if "summary" in values and logdir:
        writer = FileWriterCache.get(logdir)
        writer.add_summary(values["summary"], values.get("step"))
        writer.flush()
    return values.get("final")


def analyze_vars(variables: Sequence[Any], print_info: bool = False) -> tuple[int, int]:
    """Return the number of elements, and of bytes, of variables.

    Args:
        variables: the variables; those of unknown shape do not count.
        print_info: whether to print them.
    """
    elements, size_bytes = 0, 0
    for variable in variables:
        count = variable.get_shape().num_elements() or 0
        elements += count
        size_bytes += count * variable.dtype.size
        if print_info:
            print(variable.name, variable.get_shape(), f"[{count}, bytes: {count * variable.dtype.size}]")
    if print_info:
        print("Total size of variables:", elements)
        print("Total bytes of variables:", size_bytes)
    return elements, size_bytes


def analyze_ops(graph: Any, print_info: bool = False) -> int:
    """Return the number of elements of all tensors of a graph whose shapes are known.

    Args:
        graph: the graph.
        print_info: whether to print them.
    """
    total = 0
    for op in graph.get_operations():
        for output in op.outputs:
            count = output.get_shape().num_elements() or 0
            total += count
            if print_info:
                print(op.name, "\t->", output.get_shape(), f"[{count}]")
    return total
