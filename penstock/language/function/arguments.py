"""What a call's arguments are, as far as the choice of a trace is concerned.

Tensors count by type and shape, composite values by their specs, Python values by type and value, variables and other
objects by identity.
"""

from __future__ import annotations

import inspect
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from penstock.core import nest
from penstock.core.convert import convert_to_tensor
from penstock.core.shape import Dims
from penstock.core.tensor import Tensor
from penstock.core.type_spec import CompositeTensor, TensorSpec, TypeSpec

PLAIN = (bool, int, float, complex, str, bytes, type(None))
_PLAIN_TYPES = frozenset(PLAIN)


class Identity:
    """An object that counts by identity; it is not kept alive."""

    __slots__ = ("_id", "_reference")

    def __init__(self, value: Any) -> None:
        self._id = id(value)
        try:
            self._reference: Callable[[], Any] = weakref.ref(value)
        except TypeError:  # it cannot be referred to weakly
            self._reference = lambda: value

    @property
    def value(self) -> Any:
        """The object, None once it is gone."""
        return self._reference()

    def __hash__(self) -> int:
        return self._id

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Identity):
            return NotImplemented
        value = self._reference()
        return value is not None and value is other._reference()

    def __repr__(self) -> str:
        return f"<object {self.value!r}>"


class Description:
    """The arguments of one call.

    Attributes:
        structure: everything but the specs of tensors and composites; hashable.
        specs: those specs in order; `(dtype, dims)` for plain tensors.
        tensors: the tensors that the function is to be given.
        identities: the objects that count by identity.
    """

    __slots__ = ("identities", "specs", "structure", "tensors")

    def __init__(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        self.specs: list[Any] = []
        self.tensors: list[Any] = []
        self.identities: list[Identity] = []
        describe = self._describe
        positional = tuple([describe(arg) for arg in args])
        named = tuple([(name, describe(kwargs[name])) for name in sorted(kwargs)]) if kwargs else ()
        self.structure: Any = (positional, named)

    def _describe(self, value: Any) -> Any:
        kind = type(value)
        if kind in _PLAIN_TYPES:
            return kind, value
        if isinstance(value, Tensor):
            self.specs.append((value.dtype.base_dtype, value.dims))
            self.tensors.append(value)
            return Tensor
        if isinstance(value, (list, tuple)):
            return kind, tuple([self._describe(item) for item in value])
        if isinstance(value, Mapping):
            keys = _sorted(value)
            return kind, tuple([(key, self._describe(value[key])) for key in keys])
        if isinstance(value, TypeSpec):
            plain = type(value) is TensorSpec and value.name is None
            self.specs.append((value.dtype, value.shape.as_tuple()) if plain else value)  # type: ignore[attr-defined]
            return Tensor if type(value) is TensorSpec else TypeSpec
        if isinstance(value, CompositeTensor):
            spec = value._type_spec
            self.specs.append(spec)
            components = spec._to_components(value)
            if isinstance(components, Tensor):
                self.tensors.append(components)
            else:
                self.tensors.extend(nest.flatten(components, expand_composites=True))
            return TypeSpec
        if isinstance(value, (np.ndarray, np.generic)):
            return self._describe(convert_to_tensor(value))
        if hasattr(value, "_gradient_source"):
            return self._by_identity(value)
        if nest.is_nested_or_composite(value):
            parts = nest.flatten(value, expand_composites=not nest.is_nested(value))
            return kind, str(getattr(value, "dtype", "")), tuple([self._describe(part) for part in parts])
        if _compares_by_value(kind) and not inspect.ismethod(value):
            try:
                hash(value)
                return kind, value
            except TypeError:
                pass
        return self._by_identity(value)

    def _by_identity(self, value: Any) -> Identity:
        identity = Identity(value.__func__ if inspect.ismethod(value) else value)
        self.identities.append(identity)
        if inspect.ismethod(value):
            self.identities.append(Identity(value.__self__))
            return (identity, self.identities[-1])  # type: ignore[return-value]
        return identity


def _compares_by_value(kind: Any) -> bool:
    """Tell whether a class says what equal objects are."""
    return kind.__eq__ is not object.__eq__


def _sorted(mapping: Mapping[Any, Any]) -> list[Any]:
    try:
        return sorted(mapping)
    except TypeError:
        raise ValueError(
            f"The keys of a dictionary that a tf.function takes must be sortable, got {list(mapping)!r}"
        ) from None


def _dims_within(dims: Dims, general: Dims) -> bool:
    if general is None:
        return True
    if dims is None or len(dims) != len(general):
        return False
    return all(wide is None or size == wide for size, wide in zip(dims, general, strict=True))


def is_within(specs: Sequence[Any], general: Sequence[Any]) -> bool:
    """Tell whether values of `specs` are values of the specs of `general`."""
    for spec, wide in zip(specs, general, strict=True):
        if isinstance(spec, tuple) and isinstance(wide, tuple):
            if spec[0] != wide[0] or not _dims_within(spec[1], wide[1]):
                return False
        elif isinstance(spec, tuple) or isinstance(wide, tuple) or not spec.is_subtype_of(wide):
            return False
    return True


def generalize(specs: Sequence[Any], others: Sequence[Any]) -> tuple[Any, ...] | None:
    """Return the narrowest specs that hold the values of both, None if there are none."""
    result: list[Any] = []
    for a, b in zip(specs, others, strict=True):
        if isinstance(a, tuple) and isinstance(b, tuple):
            if a[0] != b[0]:
                return None
            result.append((a[0], _common_dims(a[1], b[1])))
            continue
        common = None if isinstance(a, tuple) or isinstance(b, tuple) else a.most_specific_common_supertype([b])
        if common is None:
            return None
        result.append(common)
    return tuple(result)


def _common_dims(a: Dims, b: Dims) -> Dims:
    if a is None or b is None or len(a) != len(b):
        return None
    return tuple(x if x == y else None for x, y in zip(a, b, strict=True))


def as_spec(spec: Any) -> TypeSpec:
    """Return an entry of `Description.specs` as a TypeSpec."""
    return TensorSpec(spec[1], spec[0]) if isinstance(spec, tuple) else spec


class PythonSignature:
    """The parameters of a Python function, to which calls are bound.

    Args:
        function: the function.
        input_signature: specs of the leading parameters, or None.
    """

    def __init__(self, function: Callable[..., Any], input_signature: Sequence[Any] | None = None) -> None:
        try:
            self.signature = inspect.signature(function)
        except (TypeError, ValueError):
            anything = [
                inspect.Parameter("args", inspect.Parameter.VAR_POSITIONAL),
                inspect.Parameter("kwargs", inspect.Parameter.VAR_KEYWORD),
            ]
            self.signature = inspect.Signature(anything)
        parameters = list(self.signature.parameters.values())
        self.has_varargs = any(p.kind is p.VAR_POSITIONAL for p in parameters)
        self.positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
        self._is_simple = len(self.positional) == len(parameters)
        self.input_signature = None if input_signature is None else tuple(input_signature)
        if self.input_signature is not None:
            self._check_input_signature()

    def _check_input_signature(self) -> None:
        assert self.input_signature is not None
        for spec in nest.flatten(self.input_signature):
            if not isinstance(spec, TypeSpec) and not hasattr(spec, "_gradient_source"):
                raise TypeError(
                    "Invalid input_signature: it must be a possibly nested sequence of TensorSpec objects, got "
                    f"{spec!r}"
                )
        if len(self.input_signature) > len(self.positional) and not self.has_varargs:
            raise TypeError(
                f"When input_signature is provided, all arguments must be named: it has {len(self.input_signature)} "
                f"entries for the parameters {self.signature}"
            )
        for parameter in self.positional[len(self.input_signature) :]:
            if parameter.default is parameter.empty:
                raise TypeError(
                    f"input_signature has {len(self.input_signature)} entries, and the parameter {parameter.name!r} "
                    f"of {self.signature} has neither an entry nor a default"
                )

    @property
    def names(self) -> list[str]:
        """The names of the positional parameters."""
        return [parameter.name for parameter in self.positional]

    def bind(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return the arguments with defaults filled in: those by position, and those that must be named.

        Raises:
            TypeError: if they do not fit the parameters, or the input signature.
        """
        if kwargs or not self._is_simple or len(args) != len(self.positional):
            try:
                bound = self.signature.bind(*args, **kwargs)
            except TypeError as error:
                raise self.error(error, args, kwargs) from None
            bound.apply_defaults()
            bound_args, bound_kwargs = bound.args, bound.kwargs
        else:
            bound_args, bound_kwargs = tuple(args), {}
        if self.input_signature is None:
            return bound_args, bound_kwargs
        try:
            cast = [_cast(spec, arg) for spec, arg in zip(self.input_signature, bound_args, strict=False)]
        except (TypeError, ValueError) as error:
            raise self.error(error, args, kwargs) from None
        return (*cast, *bound_args[len(cast) :]), bound_kwargs

    def error(self, error: Exception, args: Sequence[Any], kwargs: Mapping[str, Any]) -> TypeError:
        """Return the error that says that arguments do not fit."""
        return TypeError(
            f"Binding inputs to tf.function failed due to `{error}`. Received args: {tuple(args)} and kwargs: "
            f"{dict(kwargs)} for signature: {self}."
        )

    def specs(self) -> tuple[Any, ...]:
        """Return the arguments of the input signature, followed by the defaults of the other parameters."""
        assert self.input_signature is not None
        rest = self.positional[len(self.input_signature) :]
        return (*self.input_signature, *(parameter.default for parameter in rest))

    def __str__(self) -> str:
        parts = []
        for position, parameter in enumerate(self.signature.parameters.values()):
            if self.input_signature is not None and position < len(self.input_signature):
                parts.append(f"{parameter.name}: {self.input_signature[position]!r}")
            else:
                parts.append(str(parameter))
        return f"({', '.join(parts)})"


def _cast(spec: Any, value: Any) -> Any:
    if isinstance(spec, TensorSpec):
        if isinstance(value, TypeSpec):
            return value
        tensor = convert_to_tensor(value, None if isinstance(value, Tensor) else spec.dtype)
        return spec.cast(tensor, None)
    if isinstance(spec, TypeSpec):
        return value if isinstance(value, TypeSpec) else spec.cast(value, None)
    if nest.is_nested(spec):
        flat = nest.flatten_up_to(spec, value)
        return nest.pack_sequence_as(spec, [_cast(s, v) for s, v in zip(nest.flatten(spec), flat, strict=True)])
    return value
