"""`penstock inspect`: what is in a graph file or a SavedModel, and the program that it becomes."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.syntax import Syntax
from rich.table import Table

if TYPE_CHECKING:
    from penstock.core.graph import Graph


# Functions by which tables are made again; nobody else calls them.
_INTERNAL = ("_create_resource", "_initialize", "_destroy_resource")


@click.command("inspect")
@click.argument("path", metavar="GRAPH", type=click.Path(exists=True, path_type=Path))
@click.option("--fetch", "fetches", multiple=True, metavar="NAME", help="A tensor or operation to compile for.")
@click.option(
    "--feed", "feeds", multiple=True, metavar="NAME", help="A tensor that is given; by default, placeholders."
)
@click.option("--source", "shows_source", is_flag=True, help="Print the Python source of the compiled program.")
def command(path: Path, fetches: tuple[str, ...], feeds: tuple[str, ...], shows_source: bool) -> None:
    """Print a summary of GRAPH, and the program that its fetches become.

    GRAPH is a GraphDef (.pb or .pbtxt) or a MetaGraphDef (.meta), as tf.io.write_graph and tf.train.Saver write them,
    or the folder of a SavedModel, of which signatures, objects and variables are listed. Without --fetch, the program
    is that of all outputs of the graph, or of the signatures of the SavedModel.
    """
    console = Console()
    if path.is_dir():
        print_saved_model(console, path)
        if not fetches and not shows_source:
            return
        graph, outputs = _read_saved_model(path)
    else:
        graph = _read(path)
        _print_summary(console, graph)
        if not fetches and not shows_source:
            return
        outputs = _outputs(graph)
    wanted = list(fetches) or outputs
    program, fed = _compile(graph, wanted, feeds)
    console.print(f"fetches: {', '.join(wanted)}", highlight=False)
    console.print(f"feeds: {', '.join(fed) or '-'}", highlight=False)
    kernels = sum(line.startswith("    ") and "_kernel(" in line for line in program.source.splitlines())
    console.print(f"program: {kernels} kernel calls, {len(program.source.splitlines())} lines", highlight=False)
    if shows_source:
        if console.is_terminal:
            console.print(Syntax(program.source, "python", background_color="default"))
        else:
            click.echo(program.source)


def print_saved_model(console: Console, path: Path) -> None:
    """Print the signatures of a SavedModel with their shapes, its functions, variables and assets.

    Raises:
        ClickException: if the folder holds no SavedModel.
    """
    from penstock.core.graph_def import dims_from_proto  # the imports wait, as in `_read`
    from penstock.core.shape import TensorShape
    from penstock.core.type_spec import TensorSpec
    from penstock.saved_model.constants import INIT_OP_SIGNATURE_KEY
    from penstock.saved_model.reading import parse_saved_model

    try:
        message = parse_saved_model(path)
    except OSError as error:
        raise click.ClickException(str(error)) from None

    def show(text: str) -> None:
        console.print(text, highlight=False, markup=False, soft_wrap=True)

    for meta_graph in message.meta_graphs:
        info = meta_graph.meta_info_def
        show(f"tags: {', '.join(info.tags) or '-'}; written by TensorFlow {info.tensorflow_version or '?'}")
        for name in sorted(set(meta_graph.signature_def) - {INIT_OP_SIGNATURE_KEY}):
            signature = meta_graph.signature_def[name]
            show(f"signature {name!r} ({signature.method_name}):")
            for what, tensors in (("takes", signature.inputs), ("gives", signature.outputs)):
                for key in sorted(tensors):
                    spec = TensorSpec(dims_from_proto(tensors[key].tensor_shape), tensors[key].dtype)
                    show(f"  {what} {key}: {spec.dtype.name}{spec.shape}  {tensors[key].name}")
        nodes = meta_graph.object_graph_def.nodes
        for node in nodes:
            for child in node.children:
                if not 0 <= child.node_id < len(nodes):
                    raise click.ClickException(f"{path} is damaged: its objects refer to objects that do not exist")
                target = nodes[child.node_id]
                if target.WhichOneof("kind") == "variable":
                    variable = target.variable
                    shape = TensorShape(dims_from_proto(variable.shape))
                    kind = "" if variable.trainable else ", not trainable"
                    spec = TensorSpec(shape, variable.dtype)
                    show(f"variable {child.local_name}: {spec.dtype.name}{shape}{kind}  {variable.name}")
                elif target.WhichOneof("kind") == "function" and child.local_name not in _INTERNAL:
                    show(f"function {child.local_name}: {len(target.function.concrete_functions)} traces")
        for asset in meta_graph.asset_file_def:
            show(f"asset {asset.filename}")


def _read(path: Path) -> Graph:
    """Return the graph in a file.

    Raises:
        ClickException: if it is none.
    """
    from google.protobuf import text_format  # the imports wait, so that `penstock --help` need not load torch
    from google.protobuf.message import DecodeError

    from penstock.formats import protos

    message = protos.MetaGraphDef() if path.suffix == ".meta" else protos.GraphDef()
    try:
        if path.suffix in (".pbtxt", ".txt"):
            text_format.Parse(path.read_text(), message)
        else:
            message.ParseFromString(path.read_bytes())
    except (DecodeError, text_format.ParseError, UnicodeDecodeError) as error:
        raise click.ClickException(
            f"{path} holds no {type(message).__name__}: {error}. Expected a GraphDef in .pb or .pbtxt, or a "
            "MetaGraphDef in .meta"
        ) from None
    return _imported(path, message.graph_def if path.suffix == ".meta" else message)


def _read_saved_model(path: Path) -> tuple[Graph, list[str]]:
    """Return the graph of a SavedModel that is for serving, or else its first, and the outputs of its signatures.

    Raises:
        ClickException: if it cannot be imported.
    """
    from penstock.saved_model.constants import INIT_OP_SIGNATURE_KEY  # the imports wait, as in `_read`
    from penstock.saved_model.reading import parse_saved_model

    graphs = parse_saved_model(path).meta_graphs
    meta_graph = next((found for found in graphs if "serve" in found.meta_info_def.tags), graphs[0])
    outputs = [
        tensor.name
        for name, signature in sorted(meta_graph.signature_def.items())
        if name != INIT_OP_SIGNATURE_KEY
        for _, tensor in sorted(signature.outputs.items())
        if tensor.name
    ]
    return _imported(path, meta_graph.graph_def), list(dict.fromkeys(outputs))


def _imported(path: Path, graph_def: Any) -> Graph:
    from penstock.core.errors import OpError  # the imports wait, as in `_read`
    from penstock.core.graph import Graph
    from penstock.graphs.importer import import_graph_def

    graph = Graph()
    try:
        with graph.as_default():
            import_graph_def(graph_def, name="")
    except (ValueError, OpError) as error:
        raise click.ClickException(f"{path} cannot be imported: {error}") from None
    return graph


def _compile(graph: Graph, fetches: Any, feeds: Any) -> tuple[Any, list[str]]:
    """Return the program for some fetches, and the names of what it takes.

    Raises:
        ClickException: if a name is not in the graph.
    """
    from penstock.core.errors import OpError
    from penstock.formats import protos
    from penstock.runtime.session import Session

    try:
        wanted = [graph.as_graph_element(name) for name in fetches]
        given = [graph.as_graph_element(_tensor_name(name), allow_operation=False) for name in feeds]
        if not feeds:
            given = [tensor for op in graph.get_operations() if op.type == "Placeholder" for tensor in op.outputs]
        config = protos.ConfigProto(allow_soft_placement=True)
        with Session(graph=graph, config=config) as session:
            return session.program(wanted, given), [tensor.name for tensor in given]
    except (ValueError, KeyError, TypeError, OpError) as error:
        raise click.ClickException(str(error.args[0] if error.args else error)) from None


def _tensor_name(name: str) -> str:
    return name if ":" in name else f"{name}:0"


def _outputs(graph: Graph) -> list[str]:
    """Return the tensors that no operation takes."""
    return [
        tensor.name
        for op in graph.get_operations()
        for tensor in op.outputs
        if not tensor.consumers() and op.type not in ("Placeholder", "Const") and tensor.dtype.name != "resource"
    ]


def _print_summary(console: Console, graph: Graph) -> None:
    operations = graph.get_operations()
    constants = [op for op in operations if op.type == "Const"]
    size_bytes = sum(op.attrs["value"].nbytes for op in constants)
    variables = [op for op in operations if op.type in ("VarHandleOp", "VariableV2", "Variable")]
    console.print(
        f"{len(operations)} operations, {len(variables)} variables, {len(constants)} constants of {size_bytes:,} bytes",
        highlight=False,
    )
    table = Table("operation", "count", box=None)
    for name, count in sorted(Counter(op.type for op in operations).items(), key=lambda item: (-item[1], item[0])):
        table.add_row(name, str(count))
    console.print(table)
    for title, tensors in (
        ("inputs", [tensor for op in operations if op.type == "Placeholder" for tensor in op.outputs]),
        ("outputs", [graph.get_tensor_by_name(name) for name in _outputs(graph)]),
    ):
        console.print(f"{title}:")
        for tensor in tensors:
            console.print(f"  {tensor.name}  {tensor.dtype.name}{tensor.shape}", highlight=False, markup=False)
