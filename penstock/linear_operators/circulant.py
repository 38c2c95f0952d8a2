"""Circulant matrices, also of nested blocks, by their spectra."""

from __future__ import annotations

from typing import Any

import numpy as np

from penstock.core import dtypes
from penstock.core.convert import convert_to_tensor
from penstock.core.shape import TensorShape
from penstock.core.tensor import Tensor
from penstock.linear_operators.matrices import adjoint_of, batch_sizes, keep_variable, size_along, vector
from penstock.linear_operators.operator import FLOATING_OR_COMPLEX, LinearOperator, check_dtype, joined
from penstock.ops.array.filling import zeros_like
from penstock.ops.array.joining import concat
from penstock.ops.array.reversing import reverse, roll
from penstock.ops.array.shaping import matrix_transpose, reshape
from penstock.ops.constant import constant
from penstock.ops.debugging.comparisons import assert_less, assert_near, assert_positive
from penstock.ops.math.cast import cast
from penstock.ops.math.complex import conj, imag, real
from penstock.ops.math.exponential import log
from penstock.ops.math.reduce import reduce_max, reduce_min, reduce_prod, reduce_sum
from penstock.ops.math.unary import abs as absolute
from penstock.ops.signal.fourier import fft, fft2d, fft3d, ifft, ifft2d, ifft3d

_FORWARD = {1: fft, 2: fft2d, 3: fft3d}
_BACKWARD = {1: ifft, 2: ifft2d, 3: ifft3d}


class _BlockCirculant(LinearOperator):
    """Circulant matrices whose blocks are circulant, and so on, to a depth of 1, 2 or 3.

    Such a matrix is diagonal in the Fourier basis: `A = F^-1 diag(spectrum) F`, with F the transform over as many axes
    as the depth.
    """

    _composite_tensor_fields = ("spectrum",)
    _depth = 1

    def __init__(
        self,
        spectrum: Any,
        input_output_dtype: Any = dtypes.complex64,
        is_non_singular: bool | None = None,
        is_self_adjoint: bool | None = None,
        is_positive_definite: bool | None = None,
        is_square: bool | None = True,
        name: str = "LinearOperatorCirculant",
    ) -> None:
        parameters = dict(locals())
        self._spectrum = keep_variable(spectrum, name="spectrum")
        check_dtype(self._spectrum, FLOATING_OR_COMPLEX, "spectrum")
        if self._spectrum.shape.rank is not None and self._spectrum.shape.rank < self._depth:
            raise ValueError(f"Argument `spectrum` must have at least {self._depth} dimensions. Received: {spectrum}.")
        if not self._spectrum.dtype.is_complex:
            if is_self_adjoint is False:
                raise ValueError("A real spectrum always corresponds to a self-adjoint operator.")
            is_self_adjoint = True
        if is_square is False:
            raise ValueError("A circulant operator is always square.")
        is_square = True
        super().__init__(
            dtype=input_output_dtype,
            is_non_singular=is_non_singular,
            is_self_adjoint=is_self_adjoint,
            is_positive_definite=is_positive_definite,
            is_square=is_square,
            name=name,
            parameters=parameters,
        )

    def _event_rank(self, field: str) -> int:
        return self._depth

    @property
    def spectrum(self) -> Any:
        """The eigenvalues, in the order of the Fourier transform."""
        return self._spectrum

    @property
    def block_depth(self) -> int:
        """How deep the blocks are nested: 1 for plain circulant matrices."""
        return self._depth

    @property
    def block_shape(self) -> TensorShape:
        """The last axes of the spectrum, as many as the depth."""
        return self._spectrum.shape[-self._depth :]

    def block_shape_tensor(self) -> Tensor:
        """Return `block_shape` as an int32 tensor."""
        return vector([size_along(self._spectrum, axis) for axis in range(-self._depth, 0)])

    def _shape(self) -> TensorShape:
        static = self._spectrum.shape
        if static.rank is None:
            return static
        sizes = static.as_list()[-self._depth :]
        total = None if None in sizes else int(np.prod(sizes))
        return static[: static.rank - self._depth].concatenate([total, total])

    def _shape_tensor(self) -> Tensor:
        total = reduce_prod(self.block_shape_tensor())
        return joined(batch_sizes(self._spectrum, self._depth), total, total)

    def _transform_type(self) -> Any:
        return dtypes.complex128 if self._spectrum.dtype in (dtypes.float64, dtypes.complex128) else dtypes.complex64

    def _complex_spectrum(self, adjoint: bool = False) -> Tensor:
        spectrum = cast(self._spectrum, self._transform_type())
        return conj(spectrum) if adjoint else spectrum

    def _filtered(self, x: Any, factor: Tensor) -> Tensor:
        """Multiply the Fourier transform of each column of `x` by a spectrum."""
        columns = matrix_transpose(cast(x, self._transform_type()))
        batch, count = batch_sizes(columns, 2), size_along(columns, -2)
        blocks = reshape(columns, concat([joined(batch, count), self.block_shape_tensor()], 0))
        sizes = [size_along(factor, axis) for axis in range(-self._depth, 0)]
        aligned = reshape(factor, joined(batch_sizes(factor, self._depth), 1, *sizes))
        result = _BACKWARD[self._depth](_FORWARD[self._depth](blocks) * aligned)
        flat = reshape(result, joined(batch_sizes(result, self._depth), -1))
        return matrix_transpose(self._as_output(flat))

    def _as_output(self, value: Tensor) -> Tensor:
        return cast(value if self.dtype.is_complex else real(value), self.dtype)

    def _matmul(self, x: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Tensor:
        return self._filtered(adjoint_of(x, adjoint_arg), self._complex_spectrum(adjoint))

    def _solve(self, rhs: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Tensor:
        return self._filtered(adjoint_of(rhs, adjoint_arg), 1.0 / self._complex_spectrum(adjoint))

    def _axes(self) -> list[int]:
        return list(range(-self._depth, 0))

    def convolution_kernel(self, name: str = "convolution_kernel") -> Tensor:
        """Return the kernel with which the operator convolves: the inverse Fourier transform of the spectrum."""
        with self._scope(name):
            return self._as_output(_BACKWARD[self._depth](self._complex_spectrum()))

    def assert_hermitian_spectrum(self, name: str = "assert_hermitian_spectrum") -> Any:
        """Return an operation that fails unless the operator is real: its spectrum Hermitian."""
        with self._scope(name):
            spectrum = self._complex_spectrum()
            mirrored = roll(reverse(spectrum, self._axes()), [1] * self._depth, self._axes())
            return assert_near(
                absolute(spectrum - conj(mirrored)),
                zeros_like(absolute(spectrum)),
                atol=_tolerance(spectrum),
                message="Spectrum was not Hermitian",
            )

    def _diag_part(self) -> Tensor:
        mean = self._trace() / cast(self.domain_dimension_tensor(), self.dtype)
        return mean[..., None] + zeros_like(self._flat_spectrum(self.dtype))

    def _trace(self) -> Tensor:
        return self._as_output(reduce_sum(self._complex_spectrum(), axis=self._axes()))

    def _determinant(self) -> Tensor:
        return self._as_output(reduce_prod(self._complex_spectrum(), axis=self._axes()))

    def _log_abs_determinant(self) -> Tensor:
        return cast(reduce_sum(log(absolute(self._spectrum)), axis=self._axes()), self.dtype)

    def _flat_spectrum(self, dtype: Any = None) -> Tensor:
        spectrum = convert_to_tensor(self._spectrum)
        flat = reshape(spectrum, joined(batch_sizes(spectrum, self._depth), -1))
        if dtype is None or dtype == flat.dtype:
            return flat
        return cast(flat if dtype.is_complex or not flat.dtype.is_complex else real(flat), dtype)

    def _eigvals(self) -> Tensor:
        return self._flat_spectrum()

    def _cond(self) -> Tensor:
        sizes = absolute(self._flat_spectrum())
        return cast(reduce_max(sizes, axis=-1) / reduce_min(sizes, axis=-1), self.dtype)

    def _assert_non_singular(self) -> Any:
        sizes = absolute(self._spectrum)
        return assert_less(constant(_tolerance(sizes), sizes.dtype), sizes, message="Singular operator")

    def _assert_positive_definite(self) -> Any:
        return assert_positive(
            real(self._spectrum), message="Not positive definite:  Real part of spectrum was not all positive."
        )

    def _assert_self_adjoint(self) -> Any:
        parts = imag(self._spectrum)
        return assert_near(
            parts,
            zeros_like(parts),
            message="Not self-adjoint:  The spectrum contained non-zero imaginary part.",
            atol=_tolerance(parts),
        )


def _tolerance(value: Any) -> float:
    return 1e3 * float(np.finfo(value.dtype.real_dtype.as_numpy_dtype).eps)


class LinearOperatorCirculant(_BlockCirculant):
    """Circulant matrices: each row is the one above, rotated by one.

    Args:
        spectrum: the discrete Fourier transform of the first columns, a tensor `[B1, ..., Bb, N]`.
        input_output_dtype: the type of what the operator is applied to, and gives.
        is_non_singular, is_self_adjoint, is_positive_definite, is_square: hints, see `LinearOperator`.
        name: the operator's name.
    Raises:
        TypeError: if the spectrum is not floating or complex.
        ValueError: if it is a scalar, or a hint contradicts what the matrix is.
    """


class LinearOperatorCirculant2D(_BlockCirculant):
    """Block circulant matrices with circulant blocks.

    Args:
        spectrum: a tensor `[B1, ..., Bb, N0, N1]`.
        input_output_dtype: the type of what the operator is applied to, and gives.
        is_non_singular, is_self_adjoint, is_positive_definite, is_square: hints, see `LinearOperator`.
        name: the operator's name.
    """

    _depth = 2

    def __init__(
        self,
        spectrum: Any,
        input_output_dtype: Any = dtypes.complex64,
        is_non_singular: bool | None = None,
        is_self_adjoint: bool | None = None,
        is_positive_definite: bool | None = None,
        is_square: bool | None = True,
        name: str = "LinearOperatorCirculant2D",
    ) -> None:
        super().__init__(
            spectrum, input_output_dtype, is_non_singular, is_self_adjoint, is_positive_definite, is_square, name
        )


class LinearOperatorCirculant3D(_BlockCirculant):
    """Block circulant matrices whose blocks are block circulant with circulant blocks.

    Args:
        spectrum: a tensor `[B1, ..., Bb, N0, N1, N2]`.
        input_output_dtype: the type of what the operator is applied to, and gives.
        is_non_singular, is_self_adjoint, is_positive_definite, is_square: hints, see `LinearOperator`.
        name: the operator's name.
    """

    _depth = 3

    def __init__(
        self,
        spectrum: Any,
        input_output_dtype: Any = dtypes.complex64,
        is_non_singular: bool | None = None,
        is_self_adjoint: bool | None = None,
        is_positive_definite: bool | None = None,
        is_square: bool | None = True,
        name: str = "LinearOperatorCirculant3D",
    ) -> None:
        super().__init__(
            spectrum, input_output_dtype, is_non_singular, is_self_adjoint, is_positive_definite, is_square, name
        )
