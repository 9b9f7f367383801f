"""Make docs/figures/overview.png: a loop of det D, its winding angle, a map of Berry flux."""

from pathlib import Path

import topophys as tp
from topophys.plots import (
    new_figure,
    plot_berry_flux,
    plot_det_loop,
    plot_winding_angle_comparison,
    save_figure,
    style,
)


def doubled_qwz(m: float) -> tp.TwoBandHamiltonian:
    """Qi-Wu-Zhang model with kx replaced by 2 kx: twice its Chern number."""
    return tp.TwoBandHamiltonian(
        {(0, 0): [0.0, 0.0, m], (2, 0): [-0.5j, 0.0, 0.5], (0, 1): [0.0, -0.5j, 0.5]}
    )


def main() -> None:
    chain = tp.models.ssh(0.4 + 0.15j, 1.0 - 0.2j, 1.3)
    insulator = doubled_qwz(-1.0)
    with style(font__size=10):
        figure = new_figure(9.0, 2.9, layout="compressed")
        loop, angle, zone = figure.subplots(1, 3)
    plot_det_loop(chain, titles=["loop of det $D(k)$"], ax=loop)
    plot_winding_angle_comparison(
        None,
        tp.winding_angle(chain.block_on_grid(512)),
        nu=tp.certify_winding(chain),
        titles=["winding angle"],
        ax=angle,
    )
    angle.set_box_aspect(1.0)
    plot_berry_flux(
        tp.berry_flux(insulator.on_grid((48, 48))),
        chern=tp.certify_chern(insulator),
        titles=["Berry flux"],
        ax=zone,
    )
    # mostly of one sign: from the smallest to the largest value, nothing cut off
    (image,) = [i for i in [*zone.images, *zone.collections] if i.colorbar]
    image.set(cmap="viridis", clim=(image.get_array().min(), image.get_array().max()))
    save_figure(figure, Path(__file__).with_name("overview"), ["png"], dpi=220)


if __name__ == "__main__":
    main()
