"""`LinearOperator`: a batch of matrices that need not be written out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock.core import api_dispatch, dtypes, nest
from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import DType, as_dtype
from penstock.core.graph import name_scope
from penstock.core.shape import Dimension, TensorShape
from penstock.core.tensor import Tensor
from penstock.core.type_spec import CompositeTensor, TypeSpec, type_spec_from_value
from penstock.language.module import Module
from penstock.linear_operators import algebra
from penstock.linear_operators.matrices import (
    adjoint_of,
    as_column,
    solve_cholesky,
    solve_dense,
    vector,
)
from penstock.ops.array.diagonal import diag_part, eye
from penstock.ops.array.joining import concat
from penstock.ops.array.shaping import squeeze
from penstock.ops.constant import constant
from penstock.ops.debugging.comparisons import assert_equal, assert_less
from penstock.ops.linalg.factorizations import cholesky, eigvalsh, svd
from penstock.ops.linalg.solving import det, slogdet
from penstock.ops.math.cast import cast
from penstock.ops.math.exponential import exp, log
from penstock.ops.math.matmul import matmul
from penstock.ops.math.reduce import reduce_max, reduce_min, reduce_sum
from penstock.ops.math.unary import abs as absolute

HINTS = ("is_non_singular", "is_self_adjoint", "is_positive_definite", "is_square")


class LinearOperator(Module, CompositeTensor):
    """A batch of matrices of shape `[B1, ..., Bb, M, N]`, known by what they do.

    A subclass defines `_shape`, `_shape_tensor` and `_matmul`, and whatever else it knows a shorter way for. Hints are
    promises, not checked at run time: True and False say that a property holds or does not, None that it is unknown.

    Args:
        dtype: the type of the elements.
        graph_parents: no longer used; must be None or a sequence of tensors.
        is_non_singular: whether the matrices are invertible.
        is_self_adjoint: whether they equal their conjugate transposes.
        is_positive_definite: whether `x^H A x` has a positive real part for all x other than 0.
        is_square: whether M equals N.
        name: the operator's name.
        parameters: the arguments with which the subclass was made.
    Raises:
        ValueError: if hints contradict each other.
    """

    _TF_MODULE_IGNORED_PROPERTIES = frozenset({"_parameters"})

    # The arguments that are tensors or operators: these are the components of the operator as a composite value.
    _composite_tensor_fields: tuple[str, ...] = ()

    def __init__(
        self,
        dtype: Any,
        graph_parents: Any = None,
        is_non_singular: bool | None = None,
        is_self_adjoint: bool | None = None,
        is_positive_definite: bool | None = None,
        is_square: bool | None = None,
        name: str | None = None,
        parameters: dict[str, Any] | None = None,
    ) -> None:
        self._graph_parents = [] if graph_parents is None else list(graph_parents)
        if is_positive_definite:
            if is_non_singular is False:
                raise ValueError("A positive definite matrix is always non-singular.")
            is_non_singular = True
        if is_non_singular or is_self_adjoint:
            if is_square is False:
                kind = "non-singular" if is_non_singular else "self-adjoint"
                raise ValueError(f"A {kind} matrix is always square.")
            is_square = True
        self._dtype = as_dtype(dtype).base_dtype
        self._is_square_hint = is_square
        self._is_non_singular = is_non_singular
        self._is_self_adjoint = is_self_adjoint
        self._is_positive_definite = is_positive_definite
        self._parameters = {key: value for key, value in (parameters or {}).items() if key not in ("self", "__class__")}
        self._name = name or type(self).__name__
        with name_scope(self._name.replace("@", "_at_")) as scope:
            self._scope_name = scope
        api_dispatch.activate(LinearOperator)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._name!r} shape={self.shape} dtype={self.dtype.name}>"

    @property
    def parameters(self) -> dict[str, Any]:
        """The arguments with which the operator was made."""
        return dict(self._parameters)

    @property
    def dtype(self) -> DType:
        """The type of the elements."""
        return self._dtype

    @property
    def name(self) -> str:
        """The operator's name."""
        return self._name

    @property
    def graph_parents(self) -> list[Any]:
        """The tensors that the operator was said to depend on."""
        return self._graph_parents

    @property
    def is_non_singular(self) -> bool | None:
        """Whether the matrices are invertible, where it is known."""
        return self._is_non_singular

    @property
    def is_self_adjoint(self) -> bool | None:
        """Whether the matrices equal their conjugate transposes, where it is known."""
        return self._is_self_adjoint

    @property
    def is_positive_definite(self) -> bool | None:
        """Whether the matrices are positive definite, where it is known."""
        return self._is_positive_definite

    @property
    def is_square(self) -> bool | None:
        """Whether the matrices are square, from the shape or the hint.

        Raises:
            ValueError: if the hint contradicts the shape.
        """
        rows, columns = self._static_rows(), self._static_columns()
        known = None if rows is None or columns is None else rows == columns
        if self._is_square_hint is False and known:
            raise ValueError("User set is_square hint to False, but the operator was square.")
        return known if self._is_square_hint is None else self._is_square_hint

    # Shapes.

    def _shape(self) -> TensorShape:
        raise NotImplementedError("_shape is not implemented.")

    def _shape_tensor(self) -> Tensor:
        raise NotImplementedError("_shape_tensor is not implemented.")

    def _static_rows(self) -> int | None:
        static = self._shape()
        return None if static.rank is None else static.as_list()[-2]

    def _static_columns(self) -> int | None:
        static = self._shape()
        return None if static.rank is None else static.as_list()[-1]

    @property
    def shape(self) -> TensorShape:
        """The shape `[B1, ..., Bb, M, N]`, as far as it is known."""
        return self._shape()

    @property
    def batch_shape(self) -> TensorShape:
        """The shape `[B1, ..., Bb]`, as far as it is known."""
        return self.shape[:-2]

    @property
    def tensor_rank(self) -> int | None:
        """The number of axes b + 2, where it is known."""
        return self.shape.rank

    @property
    def domain_dimension(self) -> Any:
        """N, the number of columns, where it is known."""
        return _dimension(self.shape, -1)

    @property
    def range_dimension(self) -> Any:
        """M, the number of rows, where it is known."""
        return _dimension(self.shape, -2)

    def shape_tensor(self, name: str = "shape_tensor") -> Tensor:
        """Return the shape `[B1, ..., Bb, M, N]` as an int32 tensor."""
        with self._scope(name):
            return vector(self.shape.as_list()) if self.shape.is_fully_defined() else self._shape_tensor()

    def batch_shape_tensor(self, name: str = "batch_shape_tensor") -> Tensor:
        """Return the shape `[B1, ..., Bb]` as an int32 tensor."""
        with self._scope(name):
            if self.batch_shape.is_fully_defined():
                return vector(self.batch_shape.as_list())
            return self.shape_tensor()[:-2]

    def tensor_rank_tensor(self, name: str = "tensor_rank_tensor") -> Tensor:
        """Return the number of axes b + 2 as an int32 scalar."""
        with self._scope(name):
            rank = self.tensor_rank
            return constant(rank, "int32") if rank is not None else _size(self.shape_tensor())

    def domain_dimension_tensor(self, name: str = "domain_dimension_tensor") -> Tensor:
        """Return N, the number of columns, as an int32 scalar."""
        with self._scope(name):
            known = self._static_columns()
            return constant(known, "int32") if known is not None else self.shape_tensor()[-1]

    def range_dimension_tensor(self, name: str = "range_dimension_tensor") -> Tensor:
        """Return M, the number of rows, as an int32 scalar."""
        with self._scope(name):
            known = self._static_rows()
            return constant(known, "int32") if known is not None else self.shape_tensor()[-2]

    def _scope(self, name: str | None) -> name_scope:
        return name_scope(f"{self._scope_name.rstrip('/') or self._name}/{name}")

    # Checks.

    def assert_non_singular(self, name: str = "assert_non_singular") -> Any:
        """Return an operation that fails where a matrix is not invertible up to the precision of the type."""
        with self._scope(name):
            return self._assert_non_singular()

    def _assert_non_singular(self) -> Any:
        largest = cast(1.0 / np.finfo(self.dtype.real_dtype.as_numpy_dtype).eps, self.dtype.real_dtype)
        return assert_less(self.cond(), largest, message="Singular matrix up to precision epsilon.")

    def assert_positive_definite(self, name: str = "assert_positive_definite") -> Any:
        """Return an operation that fails where a matrix is not positive definite."""
        with self._scope(name):
            return self._assert_positive_definite()

    def _assert_positive_definite(self) -> Any:
        raise NotImplementedError("assert_positive_definite is not implemented.")

    def assert_self_adjoint(self, name: str = "assert_self_adjoint") -> Any:
        """Return an operation that fails where a matrix differs from its conjugate transpose."""
        with self._scope(name):
            return self._assert_self_adjoint()

    def _assert_self_adjoint(self) -> Any:
        dense = self.to_dense()
        return assert_equal(dense, adjoint_of(dense), message="Matrix was not equal to its adjoint.")

    def _check_input_dtype(self, arg: Any) -> None:
        if arg.dtype.base_dtype != self.dtype:
            raise TypeError(f"Expected argument to have dtype {self.dtype!r}.  Found: {arg.dtype!r} in tensor {arg}")

    # Products.

    def _matmul(self, x: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Tensor:
        raise NotImplementedError("_matmul is not implemented.")

    def _matvec(self, x: Any, adjoint: bool = False) -> Tensor:
        return squeeze(self._matmul(as_column(x), adjoint=adjoint), -1)

    def matmul(self, x: Any, adjoint: bool = False, adjoint_arg: bool = False, name: str = "matmul") -> Any:
        """Return the product `A X`.

        Args:
            x: a tensor `[..., N, R]` of the operator's type, or another operator.
            adjoint: whether A is replaced by its conjugate transpose.
            adjoint_arg: whether X is.
            name: a name for the scope of the nodes.
        Returns:
            A tensor `[..., M, R]`, or an operator if `x` is one.
        Raises:
            ValueError: if the inner dimensions differ.
            TypeError: if `x` has another type.
        """
        if isinstance(x, LinearOperator):
            left, right = self.adjoint() if adjoint else self, x.adjoint() if adjoint_arg else x
            inner, given = left._static_columns(), right._static_rows()
            if inner is not None and given is not None and inner != given:
                raise ValueError(f"Operators are incompatible. Expected `x` to have dimension {inner} but got {given}.")
            with self._scope(name):
                return self._linop_matmul(left, right)
        with self._scope(name):
            x = convert_to_tensor(x, name="x") if _is_typed(x) else convert_to_tensor(x, dtype=self.dtype, name="x")
            self._check_input_dtype(x)
            self._check_inner(x, -1 if adjoint_arg else -2, adjoint)
            return self._matmul(x, adjoint=adjoint, adjoint_arg=adjoint_arg)

    def _linop_matmul(self, left: LinearOperator, right: LinearOperator) -> LinearOperator:
        rule = algebra.find("matmul", left, right)
        assert rule is not None  # registered for all operators
        return rule(left, right)

    def __matmul__(self, other: Any) -> Any:
        return self.matmul(other)

    def _check_inner(self, x: Any, axis: int, adjoint: bool) -> None:
        inner = self._static_rows() if adjoint else self._static_columns()
        given = x.shape[axis] if x.shape.rank is not None else None
        if inner is not None and given is not None and inner != int(given):
            raise ValueError(f"Dimensions {inner} and {given} are not compatible")

    def matvec(self, x: Any, adjoint: bool = False, name: str = "matvec") -> Any:
        """Return the product `A x` with vectors.

        Args:
            x: a tensor `[..., N]` of the operator's type.
            adjoint: whether A is replaced by its conjugate transpose.
            name: a name for the scope of the nodes.
        Returns:
            A tensor `[..., M]`.
        """
        with self._scope(name):
            x = convert_to_tensor(x, name="x") if _is_typed(x) else convert_to_tensor(x, dtype=self.dtype, name="x")
            self._check_input_dtype(x)
            self._check_inner(x, -1, adjoint)
            return self._matvec(x, adjoint=adjoint)

    # Solutions.

    def _solve(self, rhs: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Tensor:
        rhs = adjoint_of(rhs, adjoint_arg)
        if self._can_use_cholesky():
            return solve_cholesky(cholesky(self.to_dense()), rhs)
        return solve_dense(self.to_dense(), rhs, adjoint=adjoint)

    def _solvevec(self, rhs: Any, adjoint: bool = False) -> Tensor:
        return squeeze(self._solve(as_column(rhs), adjoint=adjoint), -1)

    def _check_solvable(self) -> None:
        if self.is_non_singular is False:
            raise NotImplementedError("Exact solve not implemented for an operator that is expected to be singular.")
        if self.is_square is False:
            raise NotImplementedError("Exact solve not implemented for an operator that is expected to not be square.")

    def solve(self, rhs: Any, adjoint: bool = False, adjoint_arg: bool = False, name: str = "solve") -> Any:
        """Return X with `A X = rhs`.

        Args:
            rhs: a tensor `[..., M, R]` of the operator's type, or another operator.
            adjoint: whether A is replaced by its conjugate transpose.
            adjoint_arg: whether `rhs` is.
            name: a name for the scope of the nodes.
        Returns:
            A tensor `[..., N, R]`, or an operator if `rhs` is one.
        Raises:
            NotImplementedError: if the operator is not square or is said to be singular.
            ValueError: if the dimensions differ.
        """
        self._check_solvable()
        if isinstance(rhs, LinearOperator):
            left, right = self.adjoint() if adjoint else self, rhs.adjoint() if adjoint_arg else rhs
            inner, given = left._static_columns(), right._static_rows()
            if inner is not None and given is not None and inner != given:
                raise ValueError(
                    f"Operators are incompatible. Expected `rhs` to have dimension {inner} but got {given}."
                )
            with self._scope(name):
                return self._linop_solve(left, right)
        with self._scope(name):
            rhs = convert_to_tensor(rhs, name="rhs") if _is_typed(rhs) else convert_to_tensor(rhs, dtype=self.dtype)
            self._check_input_dtype(rhs)
            self._check_inner(rhs, -1 if adjoint_arg else -2, not adjoint)
            return self._solve(rhs, adjoint=adjoint, adjoint_arg=adjoint_arg)

    def _linop_solve(self, left: LinearOperator, right: LinearOperator) -> LinearOperator:
        rule = algebra.find("solve", left, right)
        assert rule is not None  # registered for all operators
        return rule(left, right)

    def solvevec(self, rhs: Any, adjoint: bool = False, name: str = "solve") -> Any:
        """Return x with `A x = rhs` for vectors.

        Args:
            rhs: a tensor `[..., M]` of the operator's type.
            adjoint: whether A is replaced by its conjugate transpose.
            name: a name for the scope of the nodes.
        Returns:
            A tensor `[..., N]`.
        """
        self._check_solvable()
        with self._scope(name):
            rhs = convert_to_tensor(rhs, name="rhs") if _is_typed(rhs) else convert_to_tensor(rhs, dtype=self.dtype)
            self._check_input_dtype(rhs)
            self._check_inner(rhs, -1, not adjoint)
            return self._solvevec(rhs, adjoint=adjoint)

    # Other operators.

    def adjoint(self, name: str = "adjoint") -> LinearOperator:
        """Return the operator's conjugate transpose, an operator."""
        if self.is_self_adjoint:
            return self
        with self._scope(name):
            return self._linop_adjoint()

    def _linop_adjoint(self) -> LinearOperator:
        rule = algebra.find("adjoint", self)
        assert rule is not None  # registered for all operators
        return rule(self)

    @property
    def H(self) -> LinearOperator:
        """The conjugate transpose."""
        return self.adjoint()

    def inverse(self, name: str = "inverse") -> LinearOperator:
        """Return the operator's inverse, an operator.

        Raises:
            ValueError: if the operator is not square or is said to be singular.
        """
        if self.is_square is False:
            raise ValueError("Cannot take the Inverse: This operator represents a non square matrix.")
        if self.is_non_singular is False:
            raise ValueError("Cannot take the Inverse: This operator represents a singular matrix.")
        with self._scope(name):
            return self._linop_inverse()

    def _linop_inverse(self) -> LinearOperator:
        rule = algebra.find("inverse", self)
        assert rule is not None  # registered for all operators
        return rule(self)

    def cholesky(self, name: str = "cholesky") -> LinearOperator:
        """Return the lower triangular operator L with `L L^H = A`.

        Raises:
            ValueError: if the operator is not said to be positive definite and self-adjoint.
        """
        if not self._can_use_cholesky():
            raise ValueError("Cannot take the Cholesky decomposition: Not a positive definite self adjoint matrix.")
        with self._scope(name):
            return self._linop_cholesky()

    def _linop_cholesky(self) -> LinearOperator:
        rule = algebra.find("cholesky", self)
        assert rule is not None  # registered for all operators
        return rule(self)

    def _can_use_cholesky(self) -> bool:
        return bool(self.is_self_adjoint and self.is_positive_definite)

    # Numbers and tensors.

    def _to_dense(self) -> Tensor:
        columns = self._static_columns()
        size = columns if columns is not None else self.domain_dimension_tensor()
        batch = None if self.batch_shape.rank == 0 else self.batch_shape_tensor()
        return self._matmul(eye(size, batch_shape=batch, dtype=self.dtype))

    def to_dense(self, name: str = "to_dense") -> Tensor:
        """Return the matrices, a tensor of shape `[B1, ..., Bb, M, N]`."""
        with self._scope(name):
            return self._to_dense()

    def _check_square(self, what: str) -> None:
        if self.is_square is False:
            raise NotImplementedError(f"{what} not implemented for an operator that is expected to not be square.")

    def determinant(self, name: str = "det") -> Tensor:
        """Return the determinants, of shape `[B1, ..., Bb]`.

        Raises:
            NotImplementedError: if the operator is not square.
        """
        self._check_square("Determinant")
        with self._scope(name):
            return self._determinant()

    def _determinant(self) -> Tensor:
        return exp(self.log_abs_determinant()) if self._can_use_cholesky() else det(self.to_dense())

    def log_abs_determinant(self, name: str = "log_abs_det") -> Tensor:
        """Return the logarithms of the determinants' absolute values, of shape `[B1, ..., Bb]`.

        Raises:
            NotImplementedError: if the operator is not square.
        """
        self._check_square("Determinant")
        with self._scope(name):
            return self._log_abs_determinant()

    def _log_abs_determinant(self) -> Tensor:
        if self._can_use_cholesky():
            return 2 * reduce_sum(log(diag_part(cholesky(self.to_dense()))), axis=-1)
        return slogdet(self.to_dense())[1]

    def trace(self, name: str = "trace") -> Tensor:
        """Return the sums of the diagonals, of shape `[B1, ..., Bb]`."""
        with self._scope(name):
            return self._trace()

    def _trace(self) -> Tensor:
        return reduce_sum(self.diag_part(), axis=-1)

    def diag_part(self, name: str = "diag_part") -> Tensor:
        """Return the diagonals, of shape `[B1, ..., Bb, min(M, N)]`."""
        with self._scope(name):
            return self._diag_part()

    def _diag_part(self) -> Tensor:
        return diag_part(self.to_dense())

    def add_to_tensor(self, x: Any, name: str = "add_to_tensor") -> Tensor:
        """Return `A + x`, for a tensor `x` whose shape broadcasts with the operator's."""
        with self._scope(name):
            x = convert_to_tensor(x, dtype=None if _is_typed(x) else self.dtype, name="x")
            self._check_input_dtype(x)
            return self._add_to_tensor(x)

    def _add_to_tensor(self, x: Any) -> Tensor:
        return self.to_dense() + x

    def eigvals(self, name: str = "eigvals") -> Tensor:
        """Return the eigenvalues, of shape `[B1, ..., Bb, N]`.

        Raises:
            NotImplementedError: if the operator is not said to be self-adjoint.
        """
        if not self.is_self_adjoint:
            raise NotImplementedError("Only self-adjoint matrices are supported.")
        with self._scope(name):
            return self._eigvals()

    def _eigvals(self) -> Tensor:
        return eigvalsh(self.to_dense())

    def cond(self, name: str = "cond") -> Tensor:
        """Return the condition numbers, largest over smallest singular value, of shape `[B1, ..., Bb]`."""
        with self._scope(name):
            return self._cond()

    def _cond(self) -> Tensor:
        values = absolute(self._eigvals()) if self.is_self_adjoint else svd(self.to_dense(), compute_uv=False)
        return reduce_max(values, axis=-1) / reduce_min(values, axis=-1)

    # As a value made of tensors.

    def __getitem__(self, slices: Any) -> LinearOperator:
        """Return the operator of a part of the batch, as the batch axes of a tensor are indexed."""
        return self._sliced(slices if isinstance(slices, tuple) else (slices,))

    def _sliced(self, slices: tuple[Any, ...]) -> LinearOperator:
        batch_rank = self.batch_shape.rank
        changed = {}
        for field, value in self._components().items():
            event_rank = self._event_rank(field)

            def part_of(part: Any, event_rank: int = event_rank) -> Any:
                if isinstance(part, LinearOperator):
                    return part[slices]
                return _slice(part, slices, batch_rank, event_rank)

            changed[field] = nest.map_structure(part_of, value)
        return self._with_components(changed)

    def _event_rank(self, field: str) -> int:
        """Return how many of a component's axes are not those of the batch."""
        return {"multiplier": 0}.get(field, 2)

    def _components(self) -> dict[str, Any]:
        given = {field: getattr(self, field) for field in self._composite_tensor_fields}
        return {field: value for field, value in given.items() if value is not None}

    def _with_components(self, components: dict[str, Any]) -> LinearOperator:
        return type(self)(**{**self._parameters, **components})

    @property
    def _type_spec(self) -> TypeSpec:
        components = self._components()
        specs = {field: nest.map_structure(type_spec_from_value, value) for field, value in components.items()}
        rest = {key: value for key, value in self._parameters.items() if key not in components}
        for hint in HINTS:
            if hint in rest:
                rest[hint] = getattr(self, f"_{hint}_hint" if hint == "is_square" else f"_{hint}")
        return LinearOperatorSpec(type(self), specs, rest)

    def _convert_to_tensor(self, dtype: Any = None, name: str | None = None, as_ref: bool = False) -> Tensor:
        return self.to_dense()


class LinearOperatorSpec(TypeSpec):
    """The type of an operator: its class, the specs of its components and its other arguments.

    Args:
        operator_class: the operator's class.
        component_specs: the spec of each component, by the name of the argument.
        arguments: the other arguments.
    """

    __slots__ = ("_arguments", "_class", "_specs")

    def __init__(self, operator_class: type, component_specs: dict[str, Any], arguments: dict[str, Any]) -> None:
        self._class = operator_class
        self._specs = component_specs
        self._arguments = arguments

    @property
    def value_type(self) -> type:
        """The operator's class."""
        return self._class

    def _serialize(self) -> tuple[Any, ...]:
        return self._class, self._specs, self._arguments

    @property
    def _component_specs(self) -> Any:
        return self._specs

    def _to_components(self, value: Any) -> Any:
        return nest.map_structure(
            lambda part: part if isinstance(part, (Tensor, LinearOperator)) else convert_to_tensor(part),
            value._components(),
        )

    def _from_components(self, components: Any) -> Any:
        return self._class(**self._arguments, **components)


def _slice(part: Any, slices: tuple[Any, ...], batch_rank: int | None, event_rank: int) -> Tensor:
    """Index a component along its batch axes, which broadcast with the operator's: axes of size 1 are kept whole."""
    tensor = convert_to_tensor(part)
    if event_rank == 0:
        return tensor[slices] if tensor.shape.rank else tensor
    full = [slice(None)] * event_rank
    if Ellipsis in slices or batch_rank is None:
        index: tuple[Any, ...] = (*slices, *full)
        return tensor[index]
    sizes = tensor.shape.as_list()[:-event_rank]
    missing = batch_rank - len(sizes)
    axis = 0
    kept: list[Any] = []
    for item in slices:
        if item is None:
            kept.append(None)
            continue
        if axis >= missing:
            is_one = sizes[axis - missing] == 1
            kept.append(item if not is_one else (0 if isinstance(item, int) else slice(None)))
        axis += 1
    index = (*kept, Ellipsis, *full)
    return tensor[index] if kept else tensor


def _dimension(static: TensorShape, axis: int) -> Any:
    return Dimension(None if static.rank is None else static.as_list()[axis])


def _size(sizes: Tensor) -> Tensor:
    return convert_to_tensor(sizes.shape[0]) if sizes.shape.rank else constant(0, "int32")


def _is_typed(value: Any) -> bool:
    return hasattr(value, "dtype")


def check_dtype(value: Any, allowed: Sequence[DType], what: str) -> None:
    """Check the type of an argument.

    Raises:
        TypeError: if it is not among those allowed.
    """
    if value.dtype.base_dtype not in allowed:
        names = ", ".join(f"tf.{dtype.name}" for dtype in allowed)
        raise TypeError(f"Argument `{what}` must have dtype in [{names}]. Received: {value.dtype!r}.")


FLOATING_OR_COMPLEX = (dtypes.float16, dtypes.float32, dtypes.float64, dtypes.complex64, dtypes.complex128)


def joined(batch: Tensor, *sizes: Any) -> Tensor:
    """Return the shape `[*batch, *sizes]`."""
    return concat([batch, vector(sizes)], 0)


def product(a: Any, b: Any, adjoint_a: bool = False, adjoint_b: bool = False) -> Tensor:
    """Multiply batches of matrices that broadcast."""
    return matmul(a, b, adjoint_a=adjoint_a, adjoint_b=adjoint_b)
