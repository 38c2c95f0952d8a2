"""What all distributions share: names, shapes, and what follows from the little that each defines."""

from __future__ import annotations

from typing import Any

from penstock.core import dtypes
from penstock.core.convert import convert_to_tensor
from penstock.core.dtypes import DType, as_dtype
from penstock.core.graph import name_scope
from penstock.core.inference import constant_value
from penstock.core.shape import TensorShape
from penstock.core.tensor import Tensor
from penstock.distributions import kullback_leibler
from penstock.ops.array.joining import concat
from penstock.ops.array.shaping import reshape, shape
from penstock.ops.constant import constant
from penstock.ops.math.exponential import exp, log, log1p
from penstock.ops.math.reduce import reduce_prod
from penstock.ops.math.unary import sqrt, square


class ReparameterizationType:
    """Whether samples are functions of the parameters, so that gradients reach these.

    Args:
        rep_type: the name of the kind.
    """

    def __init__(self, rep_type: str) -> None:
        self._rep_type = rep_type

    def __repr__(self) -> str:
        return f"<Reparameterization Type: {self._rep_type}>"

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)


FULLY_REPARAMETERIZED = ReparameterizationType("FULLY_REPARAMETERIZED")
NOT_REPARAMETERIZED = ReparameterizationType("NOT_REPARAMETERIZED")


class Distribution:
    """A batch of probability distributions of one kind.

    A subclass defines `_batch_shape`, `_batch_shape_tensor`, `_event_shape`, `_event_shape_tensor`, and of `_sample_n`,
    `_log_prob` or `_prob`, `_log_cdf` or `_cdf`, `_entropy`, `_mean`, `_mode`, `_variance` or `_stddev`, `_covariance`
    and `_quantile` what the kind has.

    Args:
        dtype: the type of an event.
        reparameterization_type: whether gradients pass through samples.
        validate_args: whether parameters are checked at run time.
        allow_nan_stats: whether what is not defined for some parameters is NaN there; an error otherwise.
        parameters: the arguments with which the subclass was made.
        graph_parents: accepted as TensorFlow does.
        name: the scope of the nodes, by default the name of the class.
    """

    _PARAMETERS: tuple[str, ...] | None = None

    def __init__(
        self,
        dtype: Any,
        reparameterization_type: ReparameterizationType,
        validate_args: bool,
        allow_nan_stats: bool,
        parameters: dict[str, Any] | None = None,
        graph_parents: Any = None,
        name: str | None = None,
    ) -> None:
        name = name or type(self).__name__
        if not name.endswith("/"):
            with name_scope(name) as scope:
                name = scope or f"{name}/"
        self._dtype = as_dtype(dtype)
        self._reparameterization_type = reparameterization_type
        self._allow_nan_stats = allow_nan_stats
        self._validate_args = validate_args
        self._parameters = {
            key: value for key, value in (parameters or {}).items() if key != "self" and not key.startswith("__")
        }
        self._name = name

    @property
    def name(self) -> str:
        """The scope of the distribution's nodes."""
        return self._name

    @property
    def dtype(self) -> DType:
        """The type of an event."""
        return self._dtype

    @property
    def parameters(self) -> dict[str, Any]:
        """The arguments with which the distribution was made."""
        return dict(self._parameters)

    @property
    def reparameterization_type(self) -> ReparameterizationType:
        """Whether gradients pass through samples."""
        return self._reparameterization_type

    @property
    def allow_nan_stats(self) -> bool:
        """Whether what is not defined for some parameters is NaN there."""
        return self._allow_nan_stats

    @property
    def validate_args(self) -> bool:
        """Whether parameters are checked at run time."""
        return self._validate_args

    @classmethod
    def param_shapes(cls, sample_shape: Any, name: str = "DistributionParamShapes") -> dict[str, Tensor]:
        """Return the shapes of parameters for samples of a given shape.

        Args:
            sample_shape: the shape of one sample.
            name: a name for the scope of the nodes.
        Returns:
            Name of a parameter -> int32 vector.
        Raises:
            NotImplementedError: if they do not follow from it.
        """
        with name_scope(name, values=[sample_shape]):
            return {key: convert_to_tensor(sample_shape, dtypes.int32) for key in cls._parameter_names()}

    @classmethod
    def param_static_shapes(cls, sample_shape: Any) -> dict[str, TensorShape]:
        """Return the static shapes of parameters for samples of a given static shape; see `param_shapes`.

        Raises:
            ValueError: if the shape is a tensor whose value is not known.
        """
        names = cls._parameter_names()
        if isinstance(sample_shape, Tensor):
            known = constant_value(sample_shape)
            if known is None:
                raise ValueError("sample_shape must be a fully-defined shape")
            sample_shape = known.tolist()
        return {key: TensorShape(sample_shape) for key in names}

    @classmethod
    def _parameter_names(cls) -> tuple[str, ...]:
        if cls._PARAMETERS is None:
            raise NotImplementedError("_param_shapes not implemented")
        return cls._PARAMETERS

    def copy(self, **override_parameters_kwargs: Any) -> Any:
        """Return a distribution with the same arguments, except those given."""
        return type(self)(**{**self._parameters, **override_parameters_kwargs})

    def _missing(self, what: str) -> NotImplementedError:
        return NotImplementedError(f"{what} is not implemented: {type(self).__name__}")

    def _has(self, method: str) -> bool:
        return getattr(type(self), method) is not getattr(Distribution, method)

    # What kinds define.

    def _batch_shape(self) -> TensorShape:
        return TensorShape(None)

    def _batch_shape_tensor(self) -> Any:
        raise self._missing("batch_shape_tensor")

    def _event_shape(self) -> TensorShape:
        return TensorShape([])

    def _event_shape_tensor(self) -> Any:
        return constant([], dtype=dtypes.int32)

    def _sample_n(self, n: Any, seed: int | None = None) -> Tensor:
        raise self._missing("sample")

    def _log_prob(self, value: Any) -> Tensor:
        if self._has("_prob"):
            return log(self._prob(value))
        raise self._missing("log_prob")

    def _prob(self, value: Any) -> Tensor:
        if self._has("_log_prob"):
            return exp(self._log_prob(value))
        raise self._missing("prob")

    def _log_cdf(self, value: Any) -> Tensor:
        if self._has("_cdf"):
            return log(self._cdf(value))
        raise self._missing("log_cdf")

    def _cdf(self, value: Any) -> Tensor:
        if self._has("_log_cdf"):
            return exp(self._log_cdf(value))
        raise self._missing("cdf")

    def _log_survival_function(self, value: Any) -> Tensor:
        if self._has("_cdf") or self._has("_log_cdf"):
            return log1p(-self._cdf(value))
        raise self._missing("log_survival_function")

    def _survival_function(self, value: Any) -> Tensor:
        if self._has("_cdf") or self._has("_log_cdf"):
            return 1.0 - self._cdf(value)
        raise self._missing("survival_function")

    def _entropy(self) -> Tensor:
        raise self._missing("entropy")

    def _mean(self) -> Tensor:
        raise self._missing("mean")

    def _mode(self) -> Tensor:
        raise self._missing("mode")

    def _quantile(self, value: Any) -> Tensor:
        raise self._missing("quantile")

    def _variance(self) -> Tensor:
        if self._has("_stddev"):
            return square(self._stddev())
        raise self._missing("variance")

    def _stddev(self) -> Tensor:
        if self._has("_variance"):
            return sqrt(self._variance())
        raise self._missing("stddev")

    def _covariance(self) -> Tensor:
        raise self._missing("covariance")

    # What users call.

    def _scope(self, name: str) -> Any:
        return _NestedScope(self._name, name)

    def _value(self, value: Any) -> Tensor:
        return convert_to_tensor(value, name="value", preferred_dtype=self._dtype)

    @property
    def batch_shape(self) -> TensorShape:
        """The static shape of the batch of distributions."""
        return self._batch_shape()

    @property
    def event_shape(self) -> TensorShape:
        """The static shape of one event."""
        return self._event_shape()

    def batch_shape_tensor(self, name: str = "batch_shape_tensor") -> Tensor:
        """Return the shape of the batch of distributions, an int32 vector."""
        with self._scope(name):
            static = self.batch_shape
            return self._batch_shape_tensor() if not static.is_fully_defined() else _vector(static)

    def event_shape_tensor(self, name: str = "event_shape_tensor") -> Tensor:
        """Return the shape of one event, an int32 vector."""
        with self._scope(name):
            static = self.event_shape
            return self._event_shape_tensor() if not static.is_fully_defined() else _vector(static)

    def is_scalar_event(self, name: str = "is_scalar_event") -> Tensor:
        """Return whether an event is a single number, a bool scalar."""
        with self._scope(name):
            return _has_no_axes(self.event_shape, self.event_shape_tensor)

    def is_scalar_batch(self, name: str = "is_scalar_batch") -> Tensor:
        """Return whether there is a single distribution, a bool scalar."""
        with self._scope(name):
            return _has_no_axes(self.batch_shape, self.batch_shape_tensor)

    def sample(self, sample_shape: Any = (), seed: int | None = None, name: str = "sample") -> Tensor:
        """Return samples.

        Args:
            sample_shape: the shape of samples wanted, () for one.
            seed: makes the samples reproducible, together with the graph's seed.
            name: a name for the scope of the nodes.
        Returns:
            A tensor of shape `sample_shape + batch_shape + event_shape`.
        """
        with self._scope(name):
            wanted = convert_to_tensor(sample_shape, dtypes.int32, name="sample_shape")
            wanted = reshape(wanted, [-1])
            drawn = self._sample_n(reduce_prod(wanted), seed)
            result = reshape(drawn, concat([wanted, shape(drawn)[1:]], 0))
            known = constant_value(wanted)
            if known is not None:
                static = TensorShape(known.tolist()).concatenate(self.batch_shape).concatenate(self.event_shape)
                result.set_shape(static)  # type: ignore[attr-defined]
            return result

    def log_prob(self, value: Any, name: str = "log_prob") -> Tensor:
        """Return the logarithm of the probability, or density, of `value`."""
        with self._scope(name):
            return self._log_prob(self._value(value))

    def prob(self, value: Any, name: str = "prob") -> Tensor:
        """Return the probability, or density, of `value`."""
        with self._scope(name):
            return self._prob(self._value(value))

    def log_cdf(self, value: Any, name: str = "log_cdf") -> Tensor:
        """Return the logarithm of the probability of an event that is not above `value`."""
        with self._scope(name):
            return self._log_cdf(self._value(value))

    def cdf(self, value: Any, name: str = "cdf") -> Tensor:
        """Return the probability of an event that is not above `value`."""
        with self._scope(name):
            return self._cdf(self._value(value))

    def log_survival_function(self, value: Any, name: str = "log_survival_function") -> Tensor:
        """Return the logarithm of the probability of an event above `value`."""
        with self._scope(name):
            return self._log_survival_function(self._value(value))

    def survival_function(self, value: Any, name: str = "survival_function") -> Tensor:
        """Return the probability of an event above `value`."""
        with self._scope(name):
            return self._survival_function(self._value(value))

    def entropy(self, name: str = "entropy") -> Tensor:
        """Return the Shannon entropy, in nats."""
        with self._scope(name):
            return self._entropy()

    def mean(self, name: str = "mean") -> Tensor:
        """Return the mean."""
        with self._scope(name):
            return self._mean()

    def mode(self, name: str = "mode") -> Tensor:
        """Return the most probable event."""
        with self._scope(name):
            return self._mode()

    def quantile(self, value: Any, name: str = "quantile") -> Tensor:
        """Return the event below which lies a share `value` of the probability."""
        with self._scope(name):
            return self._quantile(self._value(value))

    def variance(self, name: str = "variance") -> Tensor:
        """Return the variance of each element of an event."""
        with self._scope(name):
            return self._variance()

    def stddev(self, name: str = "stddev") -> Tensor:
        """Return the standard deviation of each element of an event."""
        with self._scope(name):
            return self._stddev()

    def covariance(self, name: str = "covariance") -> Tensor:
        """Return the covariances of the elements of an event, of shape `batch_shape + (k, k)`."""
        with self._scope(name):
            return self._covariance()

    def cross_entropy(self, other: Distribution, name: str = "cross_entropy") -> Tensor:
        """Return the cross entropy of another distribution, seen from this one."""
        with self._scope(name):
            return kullback_leibler.cross_entropy(self, other, self._allow_nan_stats)

    def kl_divergence(self, other: Distribution, name: str = "kl_divergence") -> Tensor:
        """Return the Kullback-Leibler divergence of this distribution from another."""
        with self._scope(name):
            return kullback_leibler.kl_divergence(self, other, self._allow_nan_stats)

    def __str__(self) -> str:
        batch = "" if self.batch_shape.rank is None else f" batch_shape={self.batch_shape},"
        event = "" if self.event_shape.rank is None else f" event_shape={self.event_shape},"
        return f'tfp.distributions.{type(self).__name__}("{self._name}",{batch}{event} dtype={self._dtype.name})'

    def __repr__(self) -> str:
        return (
            f"<tfp.distributions.{type(self).__name__} '{self._name}' batch_shape={self.batch_shape} "
            f"event_shape={self.event_shape} dtype={self._dtype.name}>"
        )


class _NestedScope:
    """The scope of a method within that of its distribution."""

    def __init__(self, outer: str, inner: str) -> None:
        self._scopes = [name_scope(outer), name_scope(inner)]

    def __enter__(self) -> str:
        self._scopes[0].__enter__()
        return self._scopes[1].__enter__()

    def __exit__(self, *error: Any) -> None:
        self._scopes[1].__exit__(*error)
        self._scopes[0].__exit__(*error)


def _vector(static: TensorShape) -> Tensor:
    return constant(static.as_list(), dtype=dtypes.int32)


def _has_no_axes(static: TensorShape, dynamic: Any) -> Tensor:
    if static.rank is not None:
        return constant(static.rank == 0)
    return shape(dynamic())[0] < 1
