"""`tf.experimental.ExtensionType`: user-defined values that are made of tensors."""

from __future__ import annotations

import abc
import contextlib
import inspect
import types
import typing
from collections.abc import Iterator, Mapping
from typing import Any

from penstock.core import nest
from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import DType, as_dtype
from penstock.core.op_def import lookup
from penstock.core.shape import TensorShape
from penstock.core.tensor import Tensor
from penstock.core.type_spec import BatchableTypeSpec, CompositeTensor, TensorSpec, TypeSpec, type_spec_from_value

_RESERVED = frozenset({"Spec", "self", "_type_spec", "value_type"})
_PLAIN = (bool, int, float, str, bytes, type(None))
_REQUIRED = inspect.Parameter.empty
_BASES: set[type] = set()  # the classes whose fields are none


class ImmutableDict(Mapping[Any, Any]):
    """A dictionary that cannot be changed; what a field of type Mapping holds."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._items = dict(*args, **kwargs)

    def __getitem__(self, key: Any) -> Any:
        return self._items[key]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __repr__(self) -> str:
        return f"ImmutableDict({self._items})"


class ExtensionTypeMetaclass(abc.ABCMeta):
    """Reads the fields of an extension type from its annotations, and makes its spec."""

    Spec: Any

    def __init__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> None:
        super().__init__(name, bases, namespace)
        if cls.__module__ == __name__:
            _BASES.add(cls)
        if not any(isinstance(base, ExtensionTypeMetaclass) for base in bases):
            return
        own = namespace.get("Spec")
        inherited = [base.Spec for base in bases if isinstance(base, ExtensionTypeMetaclass)]
        parents = inherited if own is None else [own, *inherited]
        cls.Spec = type(f"{name}.Spec", tuple(parents), {"_value_class": cls, "__module__": cls.__module__})
        cls.Spec.__qualname__ = f"{cls.__qualname__}.Spec"
        cls._cached_fields: dict[str, tuple[Any, Any]] | None = None
        if cls not in _BASES and not _names_unknown_classes(cls):
            cls._fields()

    def _fields(cls) -> dict[str, tuple[Any, Any]]:
        """Return name -> (annotation, default), those of base classes first.

        Raises:
            TypeError: if a field's annotation is none that values are checked against.
            ValueError: if a field's name is reserved.
        """
        if cls._cached_fields is None:
            fields: dict[str, tuple[Any, Any]] = {}
            for base in reversed(cls.__mro__):
                if not isinstance(base, ExtensionTypeMetaclass) or base in _BASES:
                    continue
                try:
                    hints = typing.get_type_hints(base)
                except NameError:
                    hints = dict(base.__dict__.get("__annotations__", {}))
                for name in base.__dict__.get("__annotations__", {}):
                    if name in _RESERVED or name.startswith("_tf_extension_type") or hasattr(ExtensionTypeSpec, name):
                        raise ValueError(
                            f"The field annotations for {cls.__name__} are invalid. Field {name!r} is reserved."
                        )
                    _check_annotation(hints[name], name)
                    fields[name] = hints[name], base.__dict__.get(name, _REQUIRED)
            cls._cached_fields = fields
        return cls._cached_fields

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        """Make a value: run its constructor, check the fields, and let nothing change it after."""
        make: Any = object.__new__
        value = make(cls)
        value.__dict__["_open"] = True
        value.__init__(*args, **kwargs)
        value._close()
        return value

    @property
    def __signature__(cls) -> inspect.Signature:
        if "__init__" in cls.__dict__ or not hasattr(cls, "_cached_fields"):
            parameters = list(inspect.signature(cls.__init__).parameters.values())[1:]  # type: ignore[misc]
            return inspect.Signature(parameters)
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        return inspect.Signature(
            [inspect.Parameter(n, kind, default=d, annotation=a) for n, (a, d) in cls._fields().items()]
        )


class ExtensionTypeSpec(TypeSpec):
    """The spec of an extension type: for each field its spec, or its value where that is no tensor.

    Args:
        **fields: the specs, by the names of the fields.
    """

    _value_class: Any = None

    def __init__(self, *args: Any, **fields: Any) -> None:
        declared = self._value_class._fields()
        fields.update(zip(declared, args, strict=False))
        missing = [name for name in declared if name not in fields]
        extra = [name for name in fields if name not in declared]
        if missing or extra:
            raise TypeError(
                f"{type(self).__name__} has the fields {list(declared)}; "
                + (f"{missing} are missing" if missing else f"{extra} are none of them")
            )
        for name in declared:
            self.__dict__[name] = _as_field_spec(fields[name])

    @classmethod
    def from_value(cls, value: Any) -> Any:
        """Return the spec of a value."""
        spec = cls.__new__(cls)
        for name in cls._value_class._fields():
            spec.__dict__[name] = _spec_of(value.__dict__[name])
        return spec

    @property
    def value_type(self) -> type:
        """The extension type."""
        return self._value_class

    def _field_specs(self) -> dict[str, Any]:
        return {name: self.__dict__[name] for name in self._value_class._fields()}

    def _serialize(self) -> tuple[Any, ...]:
        return tuple((name, _plain(spec)) for name, spec in self._field_specs().items())

    @classmethod
    def _deserialize(cls, serialization: tuple[Any, ...]) -> Any:
        spec = cls.__new__(cls)
        for name, item in serialization:
            spec.__dict__[name] = item
        return spec

    @property
    def _component_specs(self) -> Any:
        found: list[Any] = []
        _collect(list(self._field_specs().values()), found)
        return tuple(found)

    def _to_components(self, value: Any) -> Any:
        found: list[Any] = []
        _collect([value.__dict__[name] for name in self._field_specs()], found)
        return tuple(found)

    def _from_components(self, components: Any) -> Any:
        remaining = iter(components)
        value = self._value_class.__new__(self._value_class)
        for name, spec in self._field_specs().items():
            value.__dict__[name] = _rebuild(spec, remaining)
        return value

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"Cannot mutate attribute `{name}` of an extension type's spec")

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={spec!r}" for name, spec in self._field_specs().items())
        return f"{self._value_class.__qualname__}.Spec({fields})"


class BatchableExtensionTypeSpec(ExtensionTypeSpec, BatchableTypeSpec):
    """The spec of an extension type whose values can be stacked."""

    def _batch(self, batch_size: int | None) -> Any:
        return self._changed(lambda spec: spec._batch(batch_size))

    def _unbatch(self) -> Any:
        return self._changed(lambda spec: spec._unbatch())

    def _changed(self, change: Any) -> Any:
        spec = type(self).__new__(type(self))
        for name, item in self._field_specs().items():
            spec.__dict__[name] = _map_specs(change, item)
        return spec


class ExtensionType(CompositeTensor, metaclass=ExtensionTypeMetaclass):
    """Base of values whose fields are given by annotations, and may be tensors.

    The values are immutable. Functions, branches, loops and `tf.nest` take them for the tensors that they are made of.
    A method `__validate__` may check the fields. docs/functions.md has an example.
    """

    Spec: Any = ExtensionTypeSpec

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        fields = type(self)._fields()
        if len(args) > len(fields):
            raise TypeError(f"{type(self).__name__} takes {len(fields)} fields, got {len(args)}")
        given = dict(zip(fields, args, strict=False))
        for name, value in kwargs.items():
            if name not in fields:
                raise TypeError(f"got an unexpected keyword argument {name!r}")
            if name in given:
                raise TypeError(f"multiple values for argument {name!r}")
            given[name] = value
        for name, (_, default) in fields.items():
            if name not in given:
                if default is _REQUIRED:
                    raise TypeError(f"missing a required argument: {name!r}")
                given[name] = default
            self.__dict__[name] = given[name]

    def _close(self) -> None:
        """Convert and check the fields; from now on they cannot be set."""
        fields = type(self)._fields()
        for name, (annotation, default) in fields.items():
            if name not in self.__dict__:
                if default is _REQUIRED:
                    raise ValueError(
                        f"Missing required fields: {name!r} of {type(self).__name__} was not set by the constructor"
                    )
                self.__dict__[name] = default
            self.__dict__[name] = _converted(self.__dict__[name], annotation, name)
        unknown = [name for name in self.__dict__ if name not in fields and name != "_open"]
        if unknown:
            raise ValueError(f"{type(self).__name__} has no fields {unknown}; annotate them in the class")
        self.__dict__.pop("_open", None)
        self.__validate__()

    def __validate__(self) -> None:
        """Check the fields; called when a value is made."""

    @property
    def _type_spec(self) -> Any:
        return self.Spec.from_value(self)

    def __setattr__(self, name: str, value: Any) -> None:
        if "_open" not in self.__dict__:
            raise AttributeError(
                f"Cannot mutate attribute `{name}` outside the custom constructor of ExtensionType "
                f"{type(self).__name__}"
            )
        self.__dict__[name] = value

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"Cannot mutate attribute `{name}` of ExtensionType {type(self).__name__}")

    def __eq__(self, other: object) -> Any:
        if type(self) is not type(other):
            return False
        mine, theirs = self._type_spec, other._type_spec
        if not mine.is_compatible_with(theirs):
            return False
        same: Any = True
        pairs = zip(
            nest.flatten(self, expand_composites=True), nest.flatten(other, expand_composites=True), strict=True
        )
        for a, b in pairs:
            if not a.shape.is_compatible_with(b.shape):
                return False
            rank = range(a.shape.rank or 0)
            equal = lookup("All")(lookup("Equal")(a, b), list(rank))  # type: ignore[operator]
            same = equal if same is True else lookup("LogicalAnd")(same, equal)  # type: ignore[operator]
        return same

    def __ne__(self, other: object) -> Any:
        equal = self == other
        return lookup("LogicalNot")(equal) if isinstance(equal, Tensor) else not equal  # type: ignore[operator]

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={self.__dict__[name]!r}" for name in type(self)._fields())
        return f"{type(self).__name__}({fields})"


class BatchableExtensionType(ExtensionType):
    """An extension type whose values can be stacked, as datasets and `tf.map_fn` do."""

    Spec: Any = BatchableExtensionTypeSpec


def _names_unknown_classes(cls: type) -> bool:
    """Tell whether an annotation names a class that is not defined yet; it is then looked up at the first value."""
    try:
        typing.get_type_hints(cls)
    except NameError:
        return True
    return False


def _check_annotation(annotation: Any, name: str) -> None:
    """Check that a field's annotation is a type, or made of types, that values are checked against.

    Raises:
        TypeError: if it is not.
    """
    origin, options = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Union or origin is tuple:
        for option in options:
            if option is not Ellipsis and option != ():
                _check_annotation(option, name)
    elif origin is Mapping:
        for option in options:
            _check_annotation(option, name)
    elif annotation not in (None, *_PLAIN, Tensor, DType, TensorShape) and not (
        inspect.isclass(annotation) and issubclass(annotation, CompositeTensor)
    ):
        shown = repr(annotation.__name__) if inspect.isclass(annotation) else repr(annotation)
        raise TypeError(f"In field {name!r}: Unsupported type annotation {shown}")


def _spec_of(value: Any) -> Any:
    if isinstance(value, Tensor):
        return TensorSpec(value.shape, value.dtype)
    if isinstance(value, CompositeTensor):
        return value._type_spec
    if isinstance(value, tuple):
        return tuple(_spec_of(item) for item in value)
    if isinstance(value, Mapping):
        return ImmutableDict({key: _spec_of(item) for key, item in value.items()})
    if hasattr(value, "_gradient_source"):
        return TensorSpec(value.shape, value.dtype)
    return value


def _as_field_spec(value: Any) -> Any:
    if isinstance(value, (TypeSpec, *_PLAIN)):
        return value
    if isinstance(value, (list, tuple)):
        return tuple(_as_field_spec(item) for item in value)
    if isinstance(value, Mapping):
        return ImmutableDict({key: _as_field_spec(item) for key, item in value.items()})
    return _spec_of(value)


def _plain(spec: Any) -> Any:
    if isinstance(spec, Mapping):
        return {key: _plain(item) for key, item in spec.items()}
    return tuple(_plain(item) for item in spec) if isinstance(spec, tuple) else spec


def _collect(part: Any, found: list[Any]) -> None:
    if isinstance(part, (TypeSpec, Tensor, CompositeTensor)):
        found.append(part)
    elif hasattr(part, "_gradient_source"):
        found.append(convert_to_tensor(part))
    elif isinstance(part, (list, tuple)):
        for item in part:
            _collect(item, found)
    elif isinstance(part, Mapping):
        for key in part:
            _collect(part[key], found)


def _rebuild(spec: Any, remaining: Iterator[Any]) -> Any:
    if isinstance(spec, TypeSpec):
        return next(remaining)
    if isinstance(spec, tuple):
        return tuple(_rebuild(item, remaining) for item in spec)
    if isinstance(spec, Mapping):
        return ImmutableDict({key: _rebuild(item, remaining) for key, item in spec.items()})
    return spec


def _map_specs(change: Any, spec: Any) -> Any:
    if isinstance(spec, TypeSpec):
        return change(spec)
    if isinstance(spec, tuple):
        return tuple(_map_specs(change, item) for item in spec)
    if isinstance(spec, Mapping):
        return ImmutableDict({key: _map_specs(change, item) for key, item in spec.items()})
    return spec


def _converted(value: Any, annotation: Any, name: str) -> Any:
    """Return a field's value as its annotation wants it.

    Raises:
        TypeError: if it cannot be.
    """
    origin = typing.get_origin(annotation)
    if isinstance(annotation, (str, typing.TypeVar)) or annotation is Any:
        return value
    if origin in (typing.Union, types.UnionType):
        for option in typing.get_args(annotation):
            with contextlib.suppress(TypeError, ValueError):
                return _converted(value, type(None) if option is None else option, name)
    elif origin is tuple or annotation is tuple:
        options = typing.get_args(annotation)
        if isinstance(value, (list, tuple)):
            if not options:
                return tuple(value)
            if len(options) == 2 and options[1] is Ellipsis:
                return tuple(_converted(item, options[0], f"{name}[{i}]") for i, item in enumerate(value))
            if len(options) == len(value):
                pairs = enumerate(zip(value, options, strict=True))
                return tuple(_converted(item, option, f"{name}[{i}]") for i, (item, option) in pairs)
    elif inspect.isclass(origin) and issubclass(origin, Mapping):
        if isinstance(value, Mapping):
            key_type, item_type = typing.get_args(annotation) or (Any, Any)
            return ImmutableDict(
                {
                    _converted(key, key_type, f"key of {name}"): _converted(item, item_type, f"{name}[{key!r}]")
                    for key, item in value.items()
                }
            )
    elif inspect.isclass(annotation):
        return _of_class(value, annotation, name)
    raise TypeError(f"{name}: expected a value of type {annotation!r}, got {value!r} of type {type(value).__name__}")


def _of_class(value: Any, annotation: type, name: str) -> Any:
    if annotation is Tensor or issubclass(annotation, Tensor):
        if isinstance(value, TensorSpec):
            return value
        try:
            return convert_to_tensor(value)
        except (TypeError, ValueError) as error:
            raise TypeError(f"{name}: expected a Tensor, got {type(value).__name__}: {error}") from None
    if annotation is DType:
        return as_dtype(value)
    if annotation is TensorShape:
        return TensorShape(value)
    if isinstance(value, annotation):
        return value
    if issubclass(annotation, CompositeTensor):
        try:
            if issubclass(type_spec_from_value(value).value_type, annotation):
                return value
        except TypeError:
            pass
    raise TypeError(f"{name}: expected a {annotation.__name__}, got {value!r} of type {type(value).__name__}")
