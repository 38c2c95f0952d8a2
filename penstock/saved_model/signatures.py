"""Signatures: functions with named tensors as arguments and results, by which other programs call a saved model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from penstock.core import nest
from penstock.core.graph_def import shape_proto
from penstock.core.tensor import EagerTensor, Tensor
from penstock.core.type_spec import TensorSpec
from penstock.formats import protos
from penstock.formats.tensor_proto import to_tensor_proto
from penstock.language.function import ConcreteFunction, Function, function
from penstock.language.trackable import Trackable, children_of, is_function
from penstock.saved_model.constants import DEFAULT_SERVING_SIGNATURE_DEF_KEY, INIT_OP_SIGNATURE_KEY

ATTRIBUTE = "signatures"
_DEFAULT_ATTRIBUTE = "_default_save_signature"
_RESERVED = (INIT_OP_SIGNATURE_KEY, "__saved_model_train_op")


class SignatureMap(Mapping[str, Any], Trackable):
    """The signatures of a saved model by name."""

    def __init__(self) -> None:
        self._signatures: dict[str, Any] = {}

    def _add_signature(self, name: str, concrete_function: Any) -> None:
        self._signatures[name] = concrete_function

    def __getitem__(self, key: str) -> Any:
        if key not in self._signatures:
            raise KeyError(f"The model has no signature {key!r}; it has {sorted(self._signatures)}")
        return self._signatures[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._signatures)

    def __len__(self) -> int:
        return len(self._signatures)

    def __contains__(self, key: object) -> bool:
        return key in self._signatures

    def __repr__(self) -> str:
        return f"_SignatureMap({self._signatures})"

    def _trackable_children(self, save_type: str = "checkpoint", **kwargs: Any) -> dict[str, Any]:
        return dict(self._signatures) if save_type == "savedmodel" else {}


def find_default(root: Any) -> Any:
    """Return what serves as the only signature of an object whose caller names none, or None.

    It is the attribute `_default_save_signature`, or the only function that has one way of being called.
    """
    functions = {name: child for name, child in children_of(root, "savedmodel").items() if is_function(child)}
    if _DEFAULT_ATTRIBUTE in functions:
        return functions[_DEFAULT_ATTRIBUTE]
    possible = []
    for found in functions.values():
        concrete = _only_trace(found)
        if concrete is not None:
            possible.append(concrete)
    if len(possible) != 1 or not _is_signature(possible[0]):
        return None
    return possible[0]


def _only_trace(found: Any) -> ConcreteFunction | None:
    traces = found._saved_functions()
    return traces[0] if len(traces) == 1 else None


def _is_signature(concrete: ConcreteFunction) -> bool:
    try:
        _named_specs(concrete)
        _named_outputs(concrete.structured_outputs, concrete.name.decode())
    except ValueError:
        return False
    return True


def make_signatures(signatures: Any) -> tuple[SignatureMap, dict[str, dict[str, Any]]]:
    """Return signatures as they are saved: functions of named tensors that return dictionaries of tensors.

    Args:
        signatures: a tf.function or concrete function, or a dictionary of them by name.
    Returns:
        The signatures; for each, the defaults of its arguments.
    Raises:
        ValueError: if something is no function, has several traces, takes something else than named tensors, or
            returns something else than tensors.
    """
    made = SignatureMap()
    defaults: dict[str, dict[str, Any]] = {}
    if signatures is None:
        return made, defaults
    if not isinstance(signatures, Mapping):
        signatures = {DEFAULT_SERVING_SIGNATURE_DEF_KEY: signatures}
    for name, given in signatures.items():
        if not isinstance(name, str) or name in _RESERVED:
            raise ValueError(f"Unable to save with reserved or non-string signature name {name!r}; choose another one.")
        concrete = _concrete(name, given)
        specs = _named_specs(concrete)
        made._add_signature(name, _wrapped(concrete, specs))
        defaults[name] = _defaults(given, specs)
    return made, defaults


def _concrete(name: str, given: Any) -> ConcreteFunction:
    if isinstance(given, ConcreteFunction):
        return given
    if not isinstance(given, Function):
        raise ValueError(
            "Expected a TensorFlow function for which to generate a signature, but got "
            f"{given!r}. Only `tf.functions` with an input signature or concrete functions can be used as a signature; "
            f"the signature is {name!r}."
        )
    concrete = _only_trace(given)
    if concrete is None:
        raise ValueError(
            f"The function {given!r} of signature {name!r} has no input signature, and {len(given._saved_functions())} "
            "traces. Give it an input_signature, or pass one trace: function.get_concrete_function(...)."
        )
    return concrete


def _named_specs(concrete: ConcreteFunction) -> dict[str, TensorSpec]:
    """Return the specs of a function's tensors by name."""
    args, kwargs = concrete.structured_input_signature
    specs: dict[str, TensorSpec] = {}
    for label, value in [*zip(concrete._names, args, strict=True), *sorted(kwargs.items())]:
        for leaf in nest.flatten(value):
            if not isinstance(leaf, TensorSpec):
                if hasattr(leaf, "_component_specs"):
                    raise ValueError(
                        f"The function {concrete!r} takes {leaf!r}, which is several tensors. A signature takes "
                        "tensors: write a tf.function that takes the parts and puts them together."
                    )
                continue  # a Python value that the function was traced for
            name = leaf.name or label
            if name in specs:
                raise ValueError(
                    f"Got non-unique argument names for SavedModel signature function {concrete!r}: {name!r}. Name the "
                    "tensors: tf.TensorSpec(..., name=...)."
                )
            specs[name] = leaf
    if len(specs) != len(concrete.graph.arguments):
        raise ValueError(f"The function {concrete!r} takes values that are no tensors, which no signature can give it.")
    return specs


def _defaults(given: Any, specs: Mapping[str, TensorSpec]) -> dict[str, Any]:
    """Return the defaults that are tensors, of the arguments of a signature."""
    if not isinstance(given, Function):
        return {}
    parameters = zip(specs, given.function_spec.positional, strict=False)
    return {name: parameter.default for name, parameter in parameters if isinstance(parameter.default, EagerTensor)}


def _named_outputs(outputs: Any, name: str) -> dict[str, Any]:
    if not isinstance(outputs, Mapping):
        if isinstance(outputs, (list, tuple)) or outputs is not None:
            flat = nest.flatten(outputs)
            outputs = {f"output_{position}": value for position, value in enumerate(flat)}
        else:
            outputs = {}
    for key, value in outputs.items():
        if not isinstance(key, str):
            raise ValueError(f"Got a dictionary with a non-string key {key!r} in the output of the function {name}")
        if not isinstance(value, Tensor):
            raise ValueError(
                f"Got a non-Tensor value {value!r} for key {key!r} in the output of the function {name} used to "
                "generate the SavedModel signature. Outputs for functions used as signatures must be a single Tensor, "
                "a sequence of Tensors, or a dictionary from string to Tensor."
            )
    return dict(outputs)


def _wrapped(concrete: ConcreteFunction, specs: Mapping[str, TensorSpec]) -> ConcreteFunction:
    """Return a function of named tensors around another, with a dictionary as its result."""
    name = concrete.name.decode().removeprefix("__inference_").rstrip("0123456789").rstrip("_")
    order = list(specs)

    def signature_wrapper(**kwargs: Any) -> dict[str, Any]:
        return _named_outputs(concrete.call_flat([kwargs[key] for key in order]), name)

    signature_wrapper.__name__ = f"signature_wrapper_{name}"
    wrapped = function(signature_wrapper, autograph=False).get_concrete_function(
        **{key: TensorSpec(spec.shape, spec.dtype, key) for key, spec in specs.items()}
    )
    return wrapped


def signature_def(
    inputs: Mapping[str, Any], outputs: Mapping[str, Any], method: str, defaults: Mapping[str, Any]
) -> Any:
    """Return the SignatureDef message of a signature.

    Args:
        inputs, outputs: tensors of the graph by name.
        method: the name of the service method.
        defaults: values of inputs that may be left out.
    """
    message = protos.SignatureDef(method_name=method)
    for target, tensors in ((message.inputs, inputs), (message.outputs, outputs)):
        for name, tensor in tensors.items():
            info = target[name]
            info.name = tensor.name
            info.dtype = tensor.dtype.base_dtype.as_datatype_enum
            info.tensor_shape.CopyFrom(shape_proto(tensor.dims))
    for name, value in defaults.items():
        message.defaults[name].CopyFrom(to_tensor_proto(value.numpy()))
    return message
