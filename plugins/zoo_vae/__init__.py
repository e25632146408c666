"""Variational autoencoder (Kingma & Welling 2014) of binarised images, or of all 256 levels."""

from __future__ import annotations

from typing import Any, Literal

from zoo_core import Budget, Card, Claim, Equation, Metric, OfImages, OfPlane, OnImages, Plugin, Preset, option
from zoo_core.kits import generators


class Train(OnImages, Budget):
    """How the VAE is built and trained."""

    network: Literal["conv", "mlp"] = option("conv", "kind of encoder and decoder")
    latent: int = option(32, "size of the latent space", unit="dimensions", ge=1, le=1024)
    hidden: int = option(32, "width of the hidden layers (conv: channels at 7 x 7 of 28 x 28)", ge=2, le=8192)
    depth: int = option(2, "hidden layers on each side (mlp)", ge=1, le=16)
    activation: Literal["relu", "elu", "tanh"] = option("relu", "between the layers")
    prior: Literal["flow", "standard"] = option("flow", "p(z): learned with affine couplings, or N(0, I)")
    elbo: Literal["closed-form", "monte-carlo"] = option(
        "closed-form", "KL to N(0, I) in closed form, or log q(z|x) - log p(z) at the sampled z"
    )
    likelihood: Literal["auto", "bernoulli", "logistic"] = option(
        "auto", "p(x|z): of images binarised at random, or of their 256 levels; auto: of levels where there is colour"
    )
    batch_size: int = option(256, "images per step; batch normalisation needs two", ge=2, le=65_536)
    learning_rate: float = option(8e-3, "of Adam; the peak if there is a schedule", gt=0, le=1)
    schedule: Literal["constant", "one-cycle"] = option("one-cycle", "learning rate over the run")


class Sample(OfPlane, OfImages):
    """What to draw; of images of your own, reconstructions, or an interpolation of two."""

    n: int | None = option(
        None, "images, 200 if not said; pairs of bernoulli or reconstruction, 40; rows of an interpolation, 10; steps "
        "along each side of the plane, 20", ge=1,
        only={"show": ("prior", "bernoulli", "reconstruction", "interpolation", "plane")},
    )  # fmt: skip
    show: Literal["prior", "bernoulli", "reconstruction", "interpolation", "latent", "plane"] = option(
        "prior",
        "p(x|z) for z from the prior; that over a draw of x; test images over their reconstructions; walks between two "
        "images, which move as .gif or .webp; training images in the latent plane; that plane "
        "decoded. Of your own: reconstruction, or interpolation",
    )
    columns: int | None = option(
        None, "images per row; 20 of the prior, else 10", ge=1, le=200,
        only={"show": ("prior", "bernoulli", "reconstruction")},
    )  # fmt: skip


ASKED = {"importance": (True,)}


class Evaluate(generators.Drawn):
    """How the test nELBO is estimated, and images drawn from the prior are compared with real ones."""

    draws: int = option(1, "Monte-Carlo samples of z per image", ge=1, le=1000)
    importance: bool = option(False, "measure iw_nll, too, the importance-weighted bound: half a minute of MNIST")
    importance_draws: int = option(
        500, "draws of z per image for it; the literature has 50 to 5000", ge=1, le=10**5, only=ASKED
    )
    importance_images: int = option(
        1000, "test images that it is a mean over, spread evenly over all: of 10,000 every tenth", ge=1, le=10**6,
        only=ASKED,
    )  # fmt: skip


MLP: dict[str, Any] = {"network": "mlp", "prior": "standard", "learning_rate": 1e-3, "schedule": "constant"}

PUBLISHED: dict[str, Any] = {
    "source": "published with these settings", "protocol": "on 100 test images, ten of each class",
}  # fmt: skip

PARTS: dict[str, Any] = {"fails": "trained as published, the bound agrees, and its parts are near 25 and 73"}

CARD = Card(
    name="vae",
    summary="Variational autoencoder, of binarised images or all levels",
    idea="An encoder turns an image into a Gaussian over a small latent space, a decoder turns a point of that space "
    "into pixel probabilities; both are trained to maximise a lower bound of the image's log-likelihood.",
    paper="Kingma & Welling 2014, Auto-Encoding Variational Bayes, https://arxiv.org/abs/1312.6114; "
    "importance weights: Burda et al. 2016, Importance Weighted Autoencoders, https://arxiv.org/abs/1509.00519; "
    "flow prior: Dinh et al. 2017, Density estimation using Real NVP, https://arxiv.org/abs/1605.08803",
    limits=(
        "Its pixels are independent given z, so samples are blurred where a stroke could be in several places.",
        "The bound is not the log-likelihood: --importance comes closer.",
        "The bundled weights know grey digits of 28 x 28, and make any other image into something like one.",
    ),
    licence="MIT",
    metrics=(
        Metric("nelbo", "negative evidence lower bound of test images", "nats/image", "lower"),
        Metric("bits_per_dim", "the same, for each pixel and channel, of two levels or of 256", "bits", "lower", 3),
        Metric("kl", "its first part: divergence of q(z|x) from the prior", "nats/image"),
        Metric("reconstruction", "its second part: -log p(x|z)", "nats/image"),
        Metric(
            "iw_nll",
            "importance-weighted bound of Burda et al. 2016, as the literature has it, of some test images",
            "nats/image",
            "lower",
            asked="importance",
        ),
        *generators.METRICS,
    ),
    presets={
        "conv": Preset(
            Train(epochs=34),
            "convolutions, batch normalisation, a learned prior: the lowest nELBO here",
            claims=(
                Claim("nelbo", 90.0, "at most"),
                Claim("nelbo", 5.0, "below", than="mlp-64d"),
                Claim("iw_nll", 84.78, "at most", says="what Burda et al. 2016 have, trained on this bound"),
            ),
        ),
        "mlp-64d": Preset(
            Train(**MLP, latent=64, hidden=300, activation="elu", epochs=34, iterations=10_000, batch_size=100),
            "784-300-300-64 and back, 10,000 iterations",
            claims=(
                Claim("nelbo", 98.12, error=0.77, **PUBLISHED),
                Claim("kl", 20.38, error=0.38, **PUBLISHED, **PARTS),
                Claim("reconstruction", 77.93, error=0.65, **PUBLISHED, **PARTS),
            ),
        ),
        "mlp-2d": Preset(
            Train(
                **MLP, latent=2, hidden=500, depth=1, activation="tanh", elbo="monte-carlo", epochs=200, batch_size=100
            ),
            "784-500-2 and back; the latent plane can be drawn",
        ),
        "fashion": Preset(
            Train(**MLP, data="fashion-mnist", latent=64, hidden=300, activation="elu", epochs=100, batch_size=128),
            "mlp-64d on Fashion-MNIST",
        ),
    },
    task="unconditional-image-generation",
    sample_options=Sample,
    evaluate_options=Evaluate,
    axes={"": "nats/image"},
    tiny={"iterations": 6, "batch_size": 16, "hidden": 8},
    takes="x, float [b, 784] in [0, 1]: images, flattened",
    gives="kl and reconstruction, float [b] each: the two parts of the nELBO",
    equations=(
        Equation(
            "log p(x) ≥ E[log p(x|z)] - KL(q(z|x) ‖ p(z)),  z ~ q(z|x)",
            "Kingma & Welling 2014, equation 3",
            ".model:VAE.forward",
            "tests/test_vae.py::test_bound_is_below_the_log_likelihood",
        ),
        Equation(
            "log p(x) ≥ E[log 1/k Σ p(x, z) / q(z|x)],  z₁ … z_k ~ q(z|x)",
            "Burda et al. 2016, equation 8",
            ".measures:importance_weighted",
            "tests/test_importance.py::test_the_bound_rises_with_the_draws_and_tends_to_the_log_likelihood",
        ),
        Equation(
            "KL(N(m, s²) ‖ N(0, I)) = ½ Σ (m² + s² - log s² - 1)",
            "Kingma & Welling 2014, appendix B",
            ".densities:gaussian_kl",
            "tests/test_vae.py::test_gaussian_kl",
        ),
        Equation(
            "z = m + s ε,  ε ~ N(0, I)",
            "Kingma & Welling 2014, section 2.4",
            ".densities:reparameterise",
            "tests/test_vae.py::test_reparameterised_draws_have_the_right_moments_and_gradient",
        ),
        Equation(
            "log p(z) = log N(f(z); 0, I) + log |det ∂f/∂z|",
            "Dinh et al. 2017, equation 3",
            ".model:FlowPrior.log_density",
            "tests/test_vae.py::test_the_flow_is_invertible_and_its_density_is_the_change_of_variables",
        ),
    ),
)

plugin = Plugin(CARD, sample=".pictures", evaluate=".measures")
