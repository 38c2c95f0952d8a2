"""From a function's code to the code of its converted twin: the passes in their order, and what is kept of them."""

from __future__ import annotations

import ast
import inspect
import logging
import types
import weakref
from collections.abc import Callable
from typing import Any

from penstock.language.autograph import break_continue, returns
from penstock.language.autograph.blocks import LowerBlocks
from penstock.language.autograph.expressions import LowerExpressions
from penstock.language.autograph.flow import Flow
from penstock.language.autograph.names import all_names
from penstock.language.autograph.parsing import MangleNames, SourceError, source_tree
from penstock.language.autograph.templates import RUNTIME, assign, constant, function, placed, runtime_call

_FUTURE_FLAGS = 0x1FF0000  # the bits of co_flags that `from __future__` imports set
_NOT_PLAIN = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR


class Template:
    """The converted code of a function, to be bound to globals, defaults and closures.

    Attributes:
        code: the converted code.
        node: its syntax tree.
    """

    def __init__(self, code: types.CodeType, node: ast.stmt) -> None:
        self.code = code
        self.node = node

    def bind(self, original: types.FunctionType, runtime: Any) -> Callable[..., Any]:
        """Return the converted twin of a function, which shares its variables."""
        closure = original.__closure__ or ()
        cells = dict(zip(original.__code__.co_freevars, closure, strict=True))
        cells[RUNTIME] = types.CellType(runtime)
        free = tuple(cells[name] for name in self.code.co_freevars)
        twin = types.FunctionType(self.code, original.__globals__, original.__name__, original.__defaults__, free)
        twin.__kwdefaults__ = original.__kwdefaults__
        twin.__annotations__ = original.__annotations__
        twin.__qualname__ = original.__qualname__
        twin.__doc__ = original.__doc__
        twin.__module__ = original.__module__
        twin.__dict__.update(original.__dict__)
        return twin


_logger = logging.getLogger("penstock.autograph")
_templates: dict[int, tuple[weakref.ref[types.CodeType], Template | None]] = {}
_converted_codes: dict[int, weakref.ref[types.CodeType]] = {}


def is_converted(code: types.CodeType) -> bool:
    """Tell whether code came out of a conversion, by itself or as a function inside."""
    return id(code) in _converted_codes


def template_of(code: types.CodeType) -> Template | None:
    """Return the template for a function's code, made at the first call; None for generators and coroutines.

    Raises:
        SourceError: if the source cannot be found.
    """
    found = _templates.get(id(code))
    if found is None:
        template = None if code.co_flags & _NOT_PLAIN else _convert(code)
        key = id(code)
        _templates[key] = found = (weakref.ref(code, lambda _: _templates.pop(key, None)), template)
    return found[1]


def _convert(code: types.CodeType) -> Template:
    node, class_name = source_tree(code)
    if class_name is not None:
        node = MangleNames(class_name).visit(node)
    line = node.lineno
    definition: ast.stmt
    if isinstance(node, ast.Lambda):
        lowered = _lower_scopes(node)
        definition = placed(ast.Return(lowered), node)
    else:
        node.decorator_list, node.returns = [], None
        _strip_arguments(node)
        definition = lower_function(node)
    _strip_arguments(node)
    free = [name for name in code.co_freevars if name != RUNTIME]
    body = [definition]
    if isinstance(definition, ast.FunctionDef) and definition.name not in free:
        # Inside, the function's own name means what it means outside, not the twin.
        body.insert(0, placed(ast.Global([definition.name]), node))
    factory = function("factory", [RUNTIME, *free], body)
    module = placed(ast.Module([factory], []), node)
    try:
        compiled = compile(module, code.co_filename, "exec", flags=code.co_flags & _FUTURE_FLAGS, dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        raise SourceError(f"{code.co_name!r} (line {line}) cannot be converted: {error}") from error
    factory_code = next(item for item in compiled.co_consts if isinstance(item, types.CodeType))
    twin = next(item for item in factory_code.co_consts if _is_twin(item, code.co_name))
    _remember(twin)
    _logger.info("converted %s of %s, line %d", code.co_name, code.co_filename, line)
    return Template(twin, definition)


def _is_twin(item: Any, name: str) -> bool:
    return isinstance(item, types.CodeType) and item.co_name == name


def _remember(code: types.CodeType) -> None:
    key = id(code)
    _converted_codes[key] = weakref.ref(code, lambda _: _converted_codes.pop(key, None))
    for item in code.co_consts:
        if isinstance(item, types.CodeType):
            _remember(item)


def _strip_arguments(node: Any) -> None:
    """Drop annotations and the values of defaults, which the twin takes from the original."""
    arguments = node.args
    arguments.defaults = [placed(constant(None), node) for _ in arguments.defaults]
    arguments.kw_defaults = [item and placed(constant(None), node) for item in arguments.kw_defaults]
    for argument in [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]:
        if argument is not None:
            argument.annotation = None


def _lower_scopes(node: Any) -> Any:
    """Convert a lambda."""
    return LowerExpressions(_first_parameter(node)).visit(node)


def _first_parameter(node: Any) -> str | None:
    named = [*node.args.posonlyargs, *node.args.args]
    return named[0].arg if named else None


class _NestedFunctions(ast.NodeTransformer):
    """Converts the functions defined inside a function; generators, coroutines and marked functions stay as they
    are."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        if _is_generator(node) or any("do_not_convert" in ast.unparse(item) for item in node.decorator_list):
            return node
        return lower_function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        return node

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        return node


def _is_generator(node: ast.AST) -> bool:
    stack = list(ast.iter_child_nodes(node))
    while stack:
        child = stack.pop()
        if isinstance(child, (ast.Yield, ast.YieldFrom)):
            return True
        if not isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            stack.extend(ast.iter_child_nodes(child))
    return False


class _Globals(ast.NodeTransformer):
    """Takes the global and nonlocal statements of a function out."""

    def __init__(self) -> None:
        self.globals: set[str] = set()
        self.nonlocals: set[str] = set()

    def visit_Global(self, node: ast.Global) -> ast.AST:
        self.globals.update(node.names)
        return placed(ast.Pass(), node)

    def visit_Nonlocal(self, node: ast.Nonlocal) -> ast.AST:
        self.nonlocals.update(node.names)
        return placed(ast.Pass(), node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        return node

    visit_AsyncFunctionDef = visit_Lambda = visit_FunctionDef  # type: ignore[assignment]


def lower_function(node: ast.FunctionDef) -> ast.FunctionDef:
    """Run all passes over a function and the functions inside, and return it."""
    node.body = [_NestedFunctions().visit(statement) for statement in node.body]
    taken = all_names(node) | {RUNTIME}
    document, body = _split_docstring(node.body)
    if not body:
        return node
    origin = body[0]
    body = returns.lower_returns(body, taken)
    node.body = break_continue.lower_jumps(body, taken)
    flow = Flow(node)
    declarations = _Globals()
    node.body = [declarations.visit(statement) for statement in node.body]
    lower = LowerExpressions(_first_parameter(node))
    blocks = LowerBlocks(flow, declarations.globals, taken)
    lowered = _each(lower, node.body)
    lowered = _each(blocks, lowered)
    start: list[ast.stmt] = []
    if declarations.globals:
        start.append(ast.Global(sorted(declarations.globals)))
    if declarations.nonlocals:
        start.append(ast.Nonlocal(sorted(declarations.nonlocals)))
    for name in sorted(flow.undefined - flow.outer):
        start.append(assign(name, runtime_call("Undefined", constant(name))))
    node.body = [*document, *(placed(statement, origin) for statement in start), *lowered]
    return node


def _each(transformer: ast.NodeTransformer, statements: list[ast.stmt]) -> list[ast.stmt]:
    result: list[ast.stmt] = []
    for statement in statements:
        new = transformer.visit(statement)
        result += new if isinstance(new, list) else [new]
    return result


def _split_docstring(body: list[ast.stmt]) -> tuple[list[ast.stmt], list[ast.stmt]]:
    first = body[0]
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        return body[:1], body[1:]
    return [], body


def source_of(template: Template) -> str:
    """Return the source of a converted function."""
    node = template.node
    return ast.unparse(ast.fix_missing_locations(node)) + "\n"
