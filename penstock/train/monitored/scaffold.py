"""The operations that a model needs around training."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from penstock.core.graph import get_default_graph
from penstock.core.graph_keys import GraphKeys
from penstock.language.control_flow import group
from penstock.language.lookup import tables_initializer
from penstock.language.variables import (
    global_variables,
    global_variables_initializer,
    local_variables_initializer,
    report_uninitialized_variables,
)
from penstock.platform import logging
from penstock.summary.v1 import merge_all
from penstock.train.saver import Saver


class Scaffold:
    """The operations that a model needs around training; those not given are made when it is finalized.

    Args:
        init_op: initializes the global variables.
        init_feed_dict: what to feed then.
        init_fn: called with the scaffold and the session after `init_op`.
        ready_op: yields the names of the variables that are not initialized, none when the model is ready.
        ready_for_local_init_op: the same, for what `local_init_op` needs.
        local_init_op: initializes local variables and tables, also after restoring.
        summary_op: the merged summaries.
        saver: a Saver.
        copy_from_scaffold: a Scaffold to take from what is not given.
        local_init_feed_dict: what to feed for `local_init_op`.

    Raises:
        TypeError: if `copy_from_scaffold` is something else.
    """

    def __init__(
        self,
        init_op: Any = None,
        init_feed_dict: Any = None,
        init_fn: Callable[[Scaffold, Any], Any] | None = None,
        ready_op: Any = None,
        ready_for_local_init_op: Any = None,
        local_init_op: Any = None,
        summary_op: Any = None,
        saver: Any = None,
        copy_from_scaffold: Scaffold | None = None,
        local_init_feed_dict: Any = None,
    ) -> None:
        if copy_from_scaffold is not None and not isinstance(copy_from_scaffold, Scaffold):
            raise TypeError("copy_from_scaffold is not a Scaffold instance.")
        given = {
            "init_op": init_op,
            "init_feed_dict": init_feed_dict,
            "ready_op": ready_op,
            "ready_for_local_init_op": ready_for_local_init_op,
            "local_init_op": local_init_op,
            "local_init_feed_dict": local_init_feed_dict,
            "summary_op": summary_op,
            "saver": saver,
        }
        inherited: dict[str, Any] = {} if copy_from_scaffold is None else copy_from_scaffold._parts
        self._parts: dict[str, Any] = {
            name: inherited.get(name) if part is None else part for name, part in given.items()
        }
        self._user_init_fn: Any = init_fn
        if init_fn is None and copy_from_scaffold is not None:
            self._user_init_fn = copy_from_scaffold._user_init_fn

    def finalize(self) -> Scaffold:
        """Make what is missing, and finalize the graph."""
        defaults: dict[str, tuple[str, Callable[[], Any]]] = {
            "init_op": (GraphKeys.INIT_OP, lambda: group(global_variables_initializer())),
            "ready_op": (GraphKeys.READY_OP, report_uninitialized_variables),
            "ready_for_local_init_op": (
                GraphKeys.READY_FOR_LOCAL_INIT_OP,
                lambda: report_uninitialized_variables(global_variables()),
            ),
            "local_init_op": (GraphKeys.LOCAL_INIT_OP, Scaffold.default_local_init_op),
            "summary_op": (GraphKeys.SUMMARY_OP, merge_all),
        }
        for name, (collection, make) in defaults.items():
            if self._parts[name] is None:
                self._parts[name] = Scaffold.get_or_default(name, collection, make)
        if self._parts["saver"] is None:
            self._parts["saver"] = Scaffold.get_or_default(
                "saver", GraphKeys.SAVERS, lambda: Saver(sharded=True, allow_empty=True)
            )
        self._parts["saver"].build()
        get_default_graph().finalize()
        logging.info("Graph was finalized.")
        return self

    @property
    def init_fn(self) -> Callable[[Any], Any] | None:
        """Called with the session after `init_op`, or None."""
        if self._user_init_fn is None:
            return None
        return lambda session: self._user_init_fn(self, session)

    @property
    def init_op(self) -> Any:
        """Initializes the global variables."""
        return self._parts["init_op"]

    @property
    def init_feed_dict(self) -> Any:
        """What to feed for `init_op`."""
        return self._parts["init_feed_dict"]

    @property
    def ready_op(self) -> Any:
        """Yields the names of variables that are not initialized."""
        return self._parts["ready_op"]

    @property
    def ready_for_local_init_op(self) -> Any:
        """Yields the names of variables that `local_init_op` waits for."""
        return self._parts["ready_for_local_init_op"]

    @property
    def local_init_op(self) -> Any:
        """Initializes local variables and tables."""
        return self._parts["local_init_op"]

    @property
    def local_init_feed_dict(self) -> Any:
        """What to feed for `local_init_op`."""
        return self._parts["local_init_feed_dict"]

    @property
    def summary_op(self) -> Any:
        """The merged summaries, or None."""
        return self._parts["summary_op"]

    @property
    def saver(self) -> Any:
        """The Saver."""
        return self._parts["saver"]

    @staticmethod
    def get_or_default(arg_name: str, collection_key: str, default_constructor: Callable[[], Any]) -> Any:
        """Return the one item of a collection of the default graph, or a new one, which is put there.

        Args:
            arg_name: the name of the argument with which to choose one.
            collection_key: the collection.
            default_constructor: makes a new one; None is not put into the collection.

        Raises:
            RuntimeError: if the collection has several.
        """
        graph = get_default_graph()
        found = graph.get_collection(collection_key)
        if len(found) > 1:
            raise RuntimeError(
                f'More than one item in the collection "{collection_key}". Please indicate which one to use by passing '
                f"it to the tf.Scaffold constructor as:  tf.Scaffold({arg_name}=item to use)"
            )
        if found:
            return found[0]
        made = default_constructor()
        if made is not None:
            graph.add_to_collection(collection_key, made)
        return made

    @staticmethod
    def default_local_init_op() -> Any:
        """Return an operation that initializes local variables and tables."""
        return group(local_variables_initializer(), tables_initializer())
