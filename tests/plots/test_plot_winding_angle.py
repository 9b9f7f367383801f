import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import topophys as tp
from topophys.errors import InputError, ShapeError
from topophys.plots import plot_winding_angle_comparison
from topophys.plots.winding import broken_line, decode_angle, wrap

N_K = 32


@pytest.fixture(scope="module")
def chains():
    return tp.models.ssh(1.0, [0.4, 2.0, 0.3], [0.0, 0.0, 2.0])


@pytest.fixture(scope="module")
def alpha(chains):
    return tp.winding_angle(chains.block_on_grid(N_K))


def features(alpha, rng, channels=6, noise=0.0):
    plane = np.stack([np.cos(alpha), np.sin(alpha)], axis=-1)
    mixed = plane @ rng.normal(size=(2, channels)) + rng.normal(size=channels)
    return mixed + noise * rng.normal(size=mixed.shape)


def line(ax: Axes, label: str) -> tuple[np.ndarray, np.ndarray]:
    (found,) = [artist for artist in ax.lines if artist.get_label() == label]
    return np.asarray(found.get_xdata()), np.asarray(found.get_ydata())


def text_of(figure: Figure) -> str:
    return figure._supxlabel.get_text() if figure._supxlabel else ""


def test_exact_line_goes_through_every_given_point(alpha):
    k = tp.k_grid(N_K)[:, 0]
    figure = plot_winding_angle_comparison(None, alpha)
    assert len(figure.axes) == 3
    for ax, values in zip(figure.axes, alpha, strict=True):
        x, y = line(ax, "exact")
        for k_j, a_j in zip(k, values, strict=True):
            assert np.any((x == k_j) & (np.abs(y - a_j) < 1e-15))
        assert x[-1] == pytest.approx(np.pi)  # the zone is closed


def test_line_breaks_at_the_branch_cut_and_only_there():
    k = tp.k_grid(48)[:, 0]
    alpha = wrap(3.0 * k + 0.2)
    x, y = broken_line(k, alpha)
    assert np.isnan(y).sum() == 3  # one break per turn
    steps = np.diff(y)
    assert np.nanmax(np.abs(steps)) < 0.5  # no vertical line across the panel
    at = np.flatnonzero(np.isnan(y))
    np.testing.assert_array_equal(y[at - 1], np.pi)  # leaves at the top, rising
    np.testing.assert_array_equal(y[at + 1], -np.pi)
    np.testing.assert_allclose(wrap(3.0 * x[at] + 0.2 - np.pi), 0.0, atol=1e-12)


def test_line_without_winding_has_no_break():
    k = tp.k_grid(16)[:, 0]
    assert not np.isnan(broken_line(k, 0.5 * np.sin(k))[1]).any()


@pytest.mark.parametrize("angle", [np.pi, -np.pi, 0.0, 2.5 * np.pi, -7.0, 100.0])
def test_wrap(angle):
    wrapped = float(wrap(np.array([angle]))[0])
    assert -np.pi < wrapped <= np.pi
    assert np.exp(1j * wrapped) == pytest.approx(np.exp(1j * angle))


def test_titles_hold_integer_status_and_prediction(chains, alpha):
    figure = plot_winding_angle_comparison(
        alpha, alpha, nu=tp.certify_winding(chains), predicted=[0.04, 1.0, -1.96]
    )
    titles = [ax.get_title() for ax in figure.axes[:3]]
    assert titles == [
        r"$\nu = 0$ (certified), network 0.04",
        r"$\nu = 1$ (certified), network 1.00",
        r"$\nu = 2$ (certified), network −1.96",
    ]


def test_angles_are_drawn_as_given_and_the_strip_holds_the_wrapped_difference(alpha):
    shifted = alpha + 0.3 + 2.0 * np.pi
    figure = plot_winding_angle_comparison(shifted, alpha)
    strips = [ax for ax in figure.axes if ax.get_label() == "residual"]
    assert len(strips) == 3
    for ax, strip, values in zip(figure.axes[:3], strips, shifted, strict=True):
        np.testing.assert_allclose(line(ax, "decoded from H1")[1], wrap(values))
        segments = np.array(strip.collections[0].get_segments())
        np.testing.assert_allclose(segments[:, 1, 1], 0.3, atol=1e-12)
        assert strip.get_title(loc="right") == "rms 0.3 rad"


def test_fit_on_the_points_shown_recovers_a_linear_code_and_says_so(alpha, rng):
    figure = plot_winding_angle_comparison(features(alpha, rng), alpha)
    decoded = line(figure.axes[1], "decoded from H1")[1]
    np.testing.assert_allclose(wrap(decoded - alpha[1]), 0.0, atol=1e-9)
    assert "fitted on the 96 points shown" in text_of(figure)


@pytest.mark.parametrize("kind", ["pair", "components", "angle"])
def test_decoder_fitted_elsewhere(alpha, rng, kind):
    weights, bias = rng.normal(size=(6, 2)), rng.normal(size=2)
    h1 = rng.normal(size=(*alpha.shape, 6))
    parts = h1 @ weights + bias
    expected = np.arctan2(parts[..., 1], parts[..., 0])
    decoder = {
        "pair": (weights, bias),
        "components": lambda h: h @ weights + bias,
        "angle": lambda h: expected + 0.0 * h[..., 0],
    }[kind]
    figure = plot_winding_angle_comparison(h1, alpha, decoder=decoder)
    np.testing.assert_allclose(line(figure.axes[2], "decoded from H1")[1], expected[2])
    assert "elsewhere" in text_of(figure) or "other Hamiltonians" in text_of(figure)
    assert "shown" not in text_of(figure)


def test_single_chain_and_fine_line(chains):
    alpha = tp.winding_angle(chains[1].block_on_grid(16))
    fine = tp.winding_angle(chains[1].block_on_grid(256))
    figure = plot_winding_angle_comparison(alpha, alpha, fine_alpha=fine, nu=1)
    x, _ = line(figure.axes[0], "exact")
    assert x.size >= 257
    assert line(figure.axes[0], "decoded from H1")[0].size == 16


def test_own_axes_are_used_and_labelled(alpha):
    figure = Figure()
    given = figure.subplots(1, 3)
    assert plot_winding_angle_comparison(alpha, alpha, ax=given) is figure
    assert all(line(ax, "exact")[0].size for ax in given)
    assert all(ax.get_ylabel() for ax in given)


def test_axes_without_a_grid_get_no_strip(alpha):
    figure = Figure()
    ax = figure.add_axes((0.1, 0.1, 0.8, 0.8))
    plot_winding_angle_comparison(alpha[0], alpha[0], ax=ax)
    assert figure.axes == [ax]


def test_ticks_are_multiples_of_pi(alpha):
    figure = plot_winding_angle_comparison(None, alpha[0])
    figure.draw_without_rendering()
    ax = figure.axes[0]
    low, high = ax.get_xlim()
    shown = [text for text in ax.get_xticklabels() if low <= text.get_position()[0] <= high]
    assert [text.get_text() for text in shown] == [
        r"$-\pi$",
        r"$-\pi/2$",
        "$0$",
        r"$\pi/2$",
        r"$\pi$",
    ]


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"h1_features": np.zeros((2, N_K))}, ShapeError, "h1_features"),
        ({"h1_features": np.zeros((3, N_K, 4, 1))}, ShapeError, "h1_features"),
        ({"h1_features": np.full((3, N_K), np.nan)}, InputError, "finite"),
        ({"expected_alpha": np.zeros((1, 3, N_K))}, ShapeError, "expected_alpha"),
        ({"nu": [0.0, 1.0, 2.0]}, InputError, "integers"),
        ({"nu": [0, 1]}, ShapeError, "3 integers"),
        ({"predicted": [0.0]}, ShapeError, "predicted"),
        ({"titles": ["one"]}, ShapeError, "titles"),
        ({"k": np.zeros(N_K)}, InputError, "rise"),
        ({"k": np.zeros(N_K - 1)}, ShapeError, "`k`"),
        ({"fine_alpha": np.zeros((2, 64))}, ShapeError, "fine_alpha"),
        ({"decoder": (np.zeros((2, 2)), np.zeros(2))}, InputError, "angle already"),
    ],
)
def test_bad_input(alpha, change, error, words):
    arguments = {"h1_features": alpha, "expected_alpha": alpha, **change}
    with pytest.raises(error, match=words) as caught:
        plot_winding_angle_comparison(**arguments)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "decoder", [(np.zeros((5, 2)), np.zeros(2)), (np.zeros((6, 2)), np.zeros(3)), lambda h: h]
)
def test_bad_decoder(alpha, decoder):
    with pytest.raises(ShapeError, match="decoder"):
        decode_angle(np.zeros((*alpha.shape, 6)), alpha, decoder)
