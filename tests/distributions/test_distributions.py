"""Distributions: what they compute and draw is what TensorFlow computes and draws."""

from __future__ import annotations

import numpy as np
import pytest

import penstock as tf

d = tf.compat.v1.distributions
NAN, INF = np.nan, np.inf
MAKE = {
    "Normal": lambda **more: d.Normal([0.0, 1.0], [1.0, 2.0], **more),
    "Bernoulli": lambda **more: d.Bernoulli(probs=[0.2, 0.7], **more),
    "Categorical": lambda **more: d.Categorical(probs=[[0.2, 0.3, 0.5], [0.1, 0.1, 0.8]], **more),
    "Uniform": lambda **more: d.Uniform([0.0, 1.0], [2.0, 4.0], **more),
    "Gamma": lambda **more: d.Gamma([2.0, 0.5], [1.0, 3.0], **more),
    "Beta": lambda **more: d.Beta([2.0, 3.0], [1.0, 0.5], **more),
    "Dirichlet": lambda **more: d.Dirichlet([[1.0, 2.0, 3.0], [0.5, 4.0, 2.0]], **more),
    "DirichletMultinomial": lambda **more: d.DirichletMultinomial(4.0, [1.0, 2.0, 3.0], **more),
    "Exponential": lambda **more: d.Exponential([1.0, 3.0], **more),
    "Laplace": lambda **more: d.Laplace([0.0, 1.0], [1.0, 2.0], **more),
    "Multinomial": lambda **more: d.Multinomial(4.0, probs=[0.2, 0.3, 0.5], **more),
    "StudentT": lambda **more: d.StudentT([3.0, 0.5], [0.0, 1.0], [1.0, 2.0], **more),
}
EVENTS = {
    "Normal": [0.5, -1.0],
    "Bernoulli": [0, 1],
    "Categorical": [2, 0],
    "Uniform": [0.5, 5.0],
    "Gamma": [0.7, 1.3],
    "Beta": [0.3, 0.6],
    "Dirichlet": [[0.2, 0.3, 0.5], [0.1, 0.6, 0.3]],
    "DirichletMultinomial": [1.0, 1.0, 2.0],
    "Exponential": [0.5, 2.0],
    "Laplace": [-0.5, 3.0],
    "Multinomial": [1.0, 1.0, 2.0],
    "StudentT": [0.3, -2.0],
}
OF_EVENTS = ("log_prob", "prob", "cdf", "log_cdf", "survival_function", "log_survival_function")
EXPECTED = [
    ("Normal", "mean", [0.0, 1.0]),
    ("Normal", "mode", [0.0, 1.0]),
    ("Normal", "variance", [1.0, 4.0]),
    ("Normal", "stddev", [1.0, 2.0]),
    ("Normal", "entropy", [1.418939, 2.112086]),
    ("Normal", "log_prob", [-1.043939, -2.112086]),
    ("Normal", "prob", [0.3520653, 0.1209854]),
    ("Normal", "cdf", [0.6914625, 0.1586553]),
    ("Normal", "log_cdf", [-0.3689464, -1.841022]),
    ("Normal", "survival_function", [0.3085375, 0.8413447]),
    ("Normal", "log_survival_function", [-1.175912, -0.1727538]),
    ("Bernoulli", "mean", [0.2, 0.7]),
    ("Bernoulli", "mode", [0, 1]),
    ("Bernoulli", "variance", [0.16, 0.21]),
    ("Bernoulli", "stddev", [0.4, 0.4582576]),
    ("Bernoulli", "entropy", [0.5004025, 0.6108643]),
    ("Bernoulli", "log_prob", [-0.2231435, -0.3566749]),
    ("Bernoulli", "prob", [0.8, 0.7]),
    ("Categorical", "mode", [2, 2]),
    ("Categorical", "entropy", [1.029653, 0.6390319]),
    ("Categorical", "log_prob", [-0.6931472, -2.302585]),
    ("Categorical", "prob", [0.5, 0.09999999]),
    ("Categorical", "cdf", [0.5, 0.0]),
    ("Categorical", "log_cdf", [-0.6931472, -INF]),
    ("Categorical", "survival_function", [0.5, 1.0]),
    ("Categorical", "log_survival_function", [-0.6931472, -0.0]),
    ("Uniform", "mean", [1.0, 2.5]),
    ("Uniform", "variance", [0.3333333, 0.75]),
    ("Uniform", "stddev", [0.5773503, 0.8660254]),
    ("Uniform", "entropy", [0.6931472, 1.098612]),
    ("Uniform", "log_prob", [-0.6931472, -INF]),
    ("Uniform", "prob", [0.5, 0.0]),
    ("Uniform", "cdf", [0.25, 1.0]),
    ("Uniform", "log_cdf", [-1.386294, 0.0]),
    ("Uniform", "survival_function", [0.75, 0.0]),
    ("Uniform", "log_survival_function", [-0.2876821, -INF]),
    ("Gamma", "mean", [2.0, 0.1666667]),
    ("Gamma", "mode", [1.0, NAN]),
    ("Gamma", "variance", [2.0, 0.05555556]),
    ("Gamma", "stddev", [1.414214, 0.2357023]),
    ("Gamma", "entropy", [1.577216, -1.008003]),
    ("Gamma", "log_prob", [-1.056675, -4.054241]),
    ("Gamma", "prob", [0.3476097, 0.01734865]),
    ("Gamma", "cdf", [0.155805, 0.9947754]),
    ("Gamma", "log_cdf", [-1.85915, -0.005238341]),
    ("Gamma", "survival_function", [0.844195, 0.005224645]),
    ("Gamma", "log_survival_function", [-0.1693718, -5.254368]),
    ("Beta", "mean", [0.6666667, 0.8571429]),
    ("Beta", "mode", [NAN, NAN]),
    ("Beta", "variance", [0.05555555, 0.02721088]),
    ("Beta", "stddev", [0.2357022, 0.1649572]),
    ("Beta", "entropy", [-0.1931472, -1.10805]),
    ("Beta", "log_prob", [-0.5108256, -0.6280442]),
    ("Beta", "prob", [0.6, 0.5336344]),
    ("Beta", "cdf", [0.09, 0.0924264]),
    ("Beta", "log_cdf", [-2.407946, -2.381343]),
    ("Beta", "survival_function", [0.91, 0.9075736]),
    ("Beta", "log_survival_function", [-0.09431068, -0.09698061]),
    ("Dirichlet", "mean", [[0.1666667, 0.3333333, 0.5], [0.07692308, 0.6153846, 0.3076923]]),
    ("Dirichlet", "variance", [[0.01984127, 0.03174603, 0.03571429], [0.009467456, 0.03155818, 0.02840237]]),
    ("Dirichlet", "stddev", [[0.1408591, 0.1781742, 0.1889822], [0.09730085, 0.1776462, 0.16853]]),
    (
        "Dirichlet",
        "covariance",
        [
            [
                [0.01984127, -0.007936509, -0.01190476],
                [-0.007936509, 0.03174603, -0.02380953],
                [-0.01190476, -0.02380953, 0.03571429],
            ],
            [
                [0.009467456, -0.006311637, -0.003155819],
                [-0.006311637, 0.03155818, -0.02524655],
                [-0.003155819, -0.02524655, 0.02840237],
            ],
        ],
    ),
    ("Dirichlet", "entropy", [-1.244344, -2.19614]),
    ("Dirichlet", "log_prob", [1.504077, 1.713281]),
    ("Dirichlet", "prob", [4.5, 5.54713]),
    ("DirichletMultinomial", "mean", [0.6666667, 1.333333, 2.0]),
    ("DirichletMultinomial", "variance", [0.7936507, 1.269841, 1.428571]),
    ("DirichletMultinomial", "stddev", [0.8908708, 1.126872, 1.195229]),
    (
        "DirichletMultinomial",
        "covariance",
        [[0.7936507, -0.3174603, -0.4761905], [-0.3174603, 1.269841, -0.952381], [-0.4761905, -0.952381, 1.428571]],
    ),
    ("DirichletMultinomial", "log_prob", -2.351375),
    ("DirichletMultinomial", "prob", 0.09523816),
    ("Exponential", "mean", [1.0, 0.3333333]),
    ("Exponential", "mode", [NAN, NAN]),
    ("Exponential", "variance", [1.0, 0.1111111]),
    ("Exponential", "stddev", [1.0, 0.3333333]),
    ("Exponential", "entropy", [1.0, -0.09861231]),
    ("Exponential", "log_prob", [-0.5, -4.901388]),
    ("Exponential", "prob", [0.6065307, 0.007436257]),
    ("Exponential", "cdf", [0.3934694, 0.9975212]),
    ("Exponential", "log_cdf", [-0.9327521, -0.002481856]),
    ("Exponential", "survival_function", [0.6065307, 0.002478778]),
    ("Exponential", "log_survival_function", [-0.5, -6.0]),
    ("Laplace", "mean", [0.0, 1.0]),
    ("Laplace", "mode", [0.0, 1.0]),
    ("Laplace", "variance", [2.0, 8.0]),
    ("Laplace", "stddev", [1.414214, 2.828427]),
    ("Laplace", "entropy", [1.693147, 2.386294]),
    ("Laplace", "log_prob", [-1.193147, -2.386294]),
    ("Laplace", "prob", [0.3032653, 0.09196986]),
    ("Laplace", "cdf", [0.3032653, 0.8160603]),
    ("Laplace", "log_cdf", [-1.193147, -0.2032671]),
    ("Laplace", "survival_function", [0.6967347, 0.1839397]),
    ("Laplace", "log_survival_function", [-0.3613506, -1.693147]),
    ("Multinomial", "mean", [0.8, 1.2, 2.0]),
    ("Multinomial", "variance", [0.64, 0.84, 1.0]),
    ("Multinomial", "stddev", [0.8, 0.9165152, 1.0]),
    ("Multinomial", "covariance", [[0.64, -0.24, -0.4], [-0.24, 0.84, -0.6], [-0.4, -0.6, 1.0]]),
    ("Multinomial", "log_prob", -1.714798),
    ("Multinomial", "prob", 0.18),
    ("StudentT", "mean", [0.0, NAN]),
    ("StudentT", "mode", [0.0, 1.0]),
    ("StudentT", "variance", [3.0, NAN]),
    ("StudentT", "stddev", [1.732051, NAN]),
    ("StudentT", "entropy", [1.773477, 4.359876]),
    ("StudentT", "log_prob", [-1.060006, -3.282241]),
    ("StudentT", "prob", [0.3464536, 0.03754401]),
    ("StudentT", "cdf", [0.6081182, 0.2539509]),
    ("StudentT", "log_cdf", [-0.4973859, -1.370614]),
    ("StudentT", "survival_function", [0.3918818, 0.746049]),
    ("StudentT", "log_survival_function", [-0.9367951, -0.2929639]),
]
# Samples with the global seed 5 and the seed 3.
SAMPLES = [
    (lambda: d.Normal(0.0, [1.0, 2.0]), [[-1.461699, -1.180374], [0.492833, 1.413372]]),
    (lambda: d.Categorical(probs=[0.2, 0.8]), [1, 1]),
    (lambda: d.Gamma(2.0, 1.0), [0.3736712, 2.971841]),
    (lambda: d.Beta(2.0, 1.0), [0.1174964, 0.7697366]),
    (lambda: d.StudentT(3.0, 0.0, 1.0), [-7.464828, -0.9043859]),
    (lambda: d.Uniform(), [0.2886784, 0.6889242]),
    (lambda: d.Laplace(0.0, 1.0), [-0.5492947, 0.4745716]),
    (lambda: d.Dirichlet([1.0, 2.0]), [[0.2957943, 0.7042057], [0.4761574, 0.5238426]]),
    (lambda: d.Multinomial(4.0, probs=[0.5, 0.5]), [[1.0, 3.0], [0.0, 4.0]]),
    (lambda: d.Exponential(2.0), [0.621221, 0.186312]),
    (lambda: d.Bernoulli(probs=0.5), [1, 0, 0]),
    (lambda: d.DirichletMultinomial(4.0, [1.0, 2.0]), [[2.0, 2.0], [2.0, 2.0]]),
]


@pytest.mark.parametrize(("kind", "method", "expected"), EXPECTED)
def test_moments_and_probabilities(kind, method, expected):
    arguments = [EVENTS[kind]] if method in OF_EVENTS else []
    result = getattr(MAKE[kind](validate_args=kind != "Uniform"), method)(*arguments)
    np.testing.assert_allclose(result.numpy(), expected, rtol=3e-5, atol=1e-6)


@pytest.mark.parametrize(("make", "expected"), SAMPLES)
def test_samples_are_tensorflows(make, expected):
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        tf.compat.v1.set_random_seed(5)
        sample = make().sample(len(expected), seed=3)
        assert sample.shape == np.shape(expected)
        np.testing.assert_allclose(session.run(sample), expected, rtol=3e-5)


@pytest.mark.parametrize("kind", MAKE)
def test_shapes_of_samples_batches_and_events(kind):
    made = MAKE[kind]()
    whole = [*made.batch_shape, *made.event_shape]
    assert made.sample([2, 3], seed=1).shape.as_list() == [2, 3, *whole]
    assert made.sample().dtype is made.dtype
    assert made.batch_shape_tensor().numpy().tolist() == made.batch_shape.as_list()
    assert made.event_shape_tensor().numpy().tolist() == made.event_shape.as_list()
    assert bool(made.is_scalar_event()) == (made.event_shape.rank == 0)
    assert type(made.copy(name="copy")) is type(made)
    assert made.copy().parameters.keys() == made.parameters.keys()


def test_batches_of_multinomials_have_their_own_numbers_of_trials():
    drawn = d.Multinomial([2.0, 5.0], probs=[[0.5, 0.5], [0.1, 0.9]]).sample(3, seed=1).numpy()
    assert drawn.shape == (3, 2, 2)
    assert drawn.sum(-1).tolist() == [[2.0, 5.0]] * 3


def test_quantiles_and_tails_of_the_normal_distribution():
    normal = d.Normal(0.0, 1.0)
    np.testing.assert_allclose(normal.quantile([0.25, 0.5]).numpy(), [-0.6744898, 0.0], atol=1e-6)
    np.testing.assert_allclose(
        normal.log_cdf([-20.0, -4.0, 6.0]).numpy(), [-203.91715, -10.360101, -9.8659e-10], rtol=1e-4
    )


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (lambda: d.Normal(0.0, 1.0), lambda: d.Normal([1.0, 2.0], 2.0), [0.44314718, 0.8181472]),
        (lambda: d.Bernoulli(probs=0.3), lambda: d.Bernoulli(probs=0.6), 0.18378694),
        (lambda: d.Categorical(probs=[0.2, 0.8]), lambda: d.Categorical(probs=[0.5, 0.5]), 0.19274475),
        (lambda: d.Gamma(2.0, 1.0), lambda: d.Gamma(3.0, 2.0), 0.19091143),
        (lambda: d.Beta(2.0, 1.0), lambda: d.Beta(3.0, 2.0), 0.20824051),
        (lambda: d.Dirichlet([1.0, 2.0]), lambda: d.Dirichlet([3.0, 2.0]), 1.2082407),
    ],
)
def test_divergences(a, b, expected):
    np.testing.assert_allclose(d.kl_divergence(a(), b()).numpy(), expected, rtol=1e-4)
    np.testing.assert_allclose(a().kl_divergence(a()).numpy(), 0.0, atol=1e-6)
    np.testing.assert_allclose((a().cross_entropy(b()) - a().entropy()).numpy(), expected, rtol=1e-4)


def test_divergences_are_found_by_class_and_can_be_registered():
    class Special(d.Normal):
        pass

    assert float(d.kl_divergence(Special(0.0, 1.0), d.Normal(1.0, 1.0))) == 0.5
    with pytest.raises(NotImplementedError, match="type Normal and distribution_b type Uniform"):
        d.kl_divergence(d.Normal(0.0, 1.0), d.Uniform())
    with pytest.raises(ValueError, match="already been registered"):
        d.RegisterKL(d.Normal, d.Normal)(lambda a, b, name=None: 1)

    @d.RegisterKL(Special, Special)
    def both(a, b, name=None):
        return tf.constant(7.0)

    assert float(d.kl_divergence(Special(0.0, 1.0), Special(0.0, 1.0))) == 7.0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: d.Normal(0.0, -1.0, validate_args=True), "x > 0"),
        (lambda: d.Bernoulli(probs=2.0, validate_args=True), "greater than 1"),
        (lambda: d.Uniform(2.0, 1.0, validate_args=True), "low >= high"),
        (lambda: d.Categorical(probs=[0.5, 0.2], validate_args=True), "does not sum to 1"),
        (lambda: d.Dirichlet([1.0], validate_args=True), "event_size >= 2"),
        (lambda: d.Multinomial(2.5, probs=[0.5, 0.5], validate_args=True), "fractional"),
        (lambda: d.Multinomial(2.0, probs=[0.5, 0.5], validate_args=True).prob([1.0, 2.0]), "must sum to"),
        (lambda: d.StudentT(0.5, 0.0, 1.0, allow_nan_stats=False).mean(), "df <= 1"),
        (lambda: d.Gamma(0.5, 1.0, allow_nan_stats=False).mode(), "concentration <= 1"),
        (lambda: d.Beta(0.5, 1.0, allow_nan_stats=False).mode(), "concentration1 <= 1"),
    ],
)
def test_parameters_and_events_are_checked_if_asked_for(make, message):
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        make()


def test_arguments_are_checked():
    for make in (lambda: d.Bernoulli(logits=1.0, probs=0.5), lambda: d.Categorical()):
        with pytest.raises(ValueError, match="Must pass probs or logits, but not both"):
            make()
    with pytest.raises(ValueError, match="floating point type"):
        d.Normal(0, 1)
    with pytest.raises(ValueError, match="same type"):
        d.Normal(0.0, tf.constant(1.0, tf.float64))
    with pytest.raises(NotImplementedError, match="quantile is not implemented: Gamma"):
        d.Gamma(1.0, 1.0).quantile(0.5)


def test_gradients_reach_the_parameters_through_samples():
    loc = tf.Variable(1.0)
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(d.Normal(loc, 2.0).sample(4, seed=1))
    assert float(tape.gradient(loss, loc)) == 1.0
    assert d.Normal(0.0, 1.0).reparameterization_type == d.FULLY_REPARAMETERIZED
    assert repr(d.NOT_REPARAMETERIZED) == "<Reparameterization Type: NOT_REPARAMETERIZED>"


def test_names_and_descriptions():
    with tf.Graph().as_default():
        normal = d.Normal(0.0, [1.0, 2.0], name="n")
        assert (normal.name, normal.loc.name, normal.scale.name) == ("n/", "n/loc:0", "n/scale:0")
        assert normal.log_prob(0.5).name.startswith("n/log_prob/")
        assert str(normal) == 'tfp.distributions.Normal("n/", batch_shape=(2,), event_shape=(), dtype=float32)'
        unknown = d.Normal(tf.compat.v1.placeholder(tf.float32, None), 1.0)
        assert unknown.batch_shape.rank is None
    assert d.Normal.param_static_shapes([5]) == {"loc": tf.TensorShape([5]), "scale": tf.TensorShape([5])}
    with pytest.raises(NotImplementedError):
        d.Categorical.param_static_shapes([5])
