"""Settings of a training run."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, Field, PositiveInt, ValidationError

from topophys._io import parse_toml, read_text
from topophys.datasets._messages import Settings, one_line
from topophys.errors import RecipeError

__all__ = ["EncoderConfig", "FitConfig"]


class EncoderConfig(Settings):
    """Settings of the network; see `TopologicalMLEncoder`.

    Attributes
    ----------
    hidden_dims : tuple of three ints
        Channels of h1, channels of h2, products formed on each link.
    num_classes : int
        Number of consecutive integers around 0 with class scores.
    output_features : int
        Number of features after the sum over the Brillouin zone.
    gated, flatten : bool
        Bilinear layers; polar factor of the input (unit vectors in two dimensions).
    point_layers : int, optional
        Layers on each k point, for chains; see `TopologicalMLEncoder`.
    keep_input, link_layers : bool and int, optional
        Links that see the block, and layers on each link, for chains; likewise.
    upsample : int, optional
        Refinement of the grid inside the network; see `TopologicalMLEncoder2D`.
    harmonics : int, optional
        Powers of the loops; see `TopologicalMLEncoderLoops`.
    rotation_invariant : bool, optional
        Read products of d alone, as by default in two dimensions, or learn h1; see
        `TopologicalMLEncoder2D`.
    name : str, optional
        A network of `register_encoder`; by default the one that reads the kind of data.
    options : dict, optional
        More keyword arguments of that network.

    Examples
    --------
    >>> EncoderConfig(num_classes=5).model_dump()["hidden_dims"]
    (24, 16, 32)
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    hidden_dims: tuple[PositiveInt, PositiveInt, PositiveInt] = (24, 16, 32)
    num_classes: PositiveInt = 3
    output_features: PositiveInt = 16
    gated: bool = True
    flatten: bool = True
    point_layers: PositiveInt | None = None
    keep_input: bool | None = None
    link_layers: PositiveInt | None = None
    upsample: PositiveInt | None = None
    harmonics: PositiveInt | None = None
    rotation_invariant: bool | None = None
    name: str | None = None
    options: dict[str, Any] = Field(default={})

    def arguments(self, known: Collection[str]) -> dict[str, Any]:
        """Keyword arguments of the network; those that were left out take its defaults.

        Parameters
        ----------
        known : collection of str
            Settings that the network has.

        Returns
        -------
        dict
            By name; with settings that it does not have where they differ from their defaults,
            so that the network can refuse them.
        """
        given = self.model_dump(exclude_none=True, exclude={"name", "options"})
        fields = type(self).model_fields
        chosen = {k: v for k, v in given.items() if k in known or v != fields[k].default}
        return {**chosen, **self.options}


class FitConfig(Settings):
    """Settings of a training run.

    Attributes
    ----------
    encoder : EncoderConfig
        Settings of the network.
    seed : int
        Seed of the weights and of the order of the samples.
    epochs, batch_size : int
        Passes over the training split, and samples per step.
    learning_rate : float
        Peak of the one-cycle schedule (L. N. Smith, N. Topin, Proc. SPIE 11006, 1100612 (2019)).
    weight_decay : float
        Of AdamW (I. Loshchilov, F. Hutter, Proc. ICLR (2019)).
    gradient_clip : float
        Largest norm of the gradient of a step.
    auxiliary_weight : float
        Weight of the cross entropy in the loss.
    local_supervision : float
        Weight of the auxiliary local loss on exact local contributions; 0 trains on labels alone.
        The weight is declared in run.json, in the model card and in reports.
    patience : int, optional
        Stop after so many epochs without a better one; by default all epochs are made.
    in_memory : bool
        Hold the training split in memory, or read each batch from disk.
    checkpoint_steps : int, optional
        Steps between two saved states from which training can resume; by default one state is
        saved at the end of each epoch.
    threads : int
        Threads of torch on the CPU. One, because layers this small are slower on more where
        cores are shared, and because the last bits of a sum depend on the number.
    train_split, val_split : str
        Names of the splits to learn from and to choose the best epoch by.

    Examples
    --------
    >>> config = FitConfig.from_mapping({"epochs": 3, "encoder": {"hidden_dims": [8, 8, 16]}})
    >>> config.epochs, config.batch_size, config.encoder.hidden_dims
    (3, 512, (8, 8, 16))
    >>> FitConfig.from_mapping({"epoch": 3})
    Traceback (most recent call last):
    ...
    topophys.errors.RecipeError: Training settings `config`: unknown key `epoch` (did you mean ...
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    encoder: EncoderConfig = EncoderConfig()
    seed: int = Field(default=0, ge=0, lt=2**63)
    epochs: PositiveInt = 10
    batch_size: PositiveInt = 512
    learning_rate: float = Field(default=5e-3, gt=0.0, allow_inf_nan=False)
    weight_decay: float = Field(default=1e-5, ge=0.0, allow_inf_nan=False)
    gradient_clip: float = Field(default=1.0, gt=0.0, allow_inf_nan=False)
    auxiliary_weight: float = Field(default=0.1, ge=0.0, allow_inf_nan=False)
    local_supervision: float = Field(default=0.0, ge=0.0, allow_inf_nan=False)
    patience: PositiveInt | None = None
    in_memory: bool = True
    checkpoint_steps: PositiveInt | None = None
    threads: PositiveInt = 1
    train_split: str = "train"
    val_split: str = "val"

    @classmethod
    def from_mapping(cls, mapping: dict[str, Any], source: str = "config") -> FitConfig:
        """Check a mapping of settings.

        Parameters
        ----------
        mapping : dict
            Settings by name; a missing one takes its default.
        source : str, optional
            Where it came from, for the message.

        Returns
        -------
        FitConfig
            Checked settings.

        Raises
        ------
        RecipeError
            If a key is unknown or a value impossible.
        """
        try:
            return cls.model_validate(mapping)
        except ValidationError as error:
            raise RecipeError(f"Training settings `{source}`: {one_line(error, cls)}") from None

    def to_toml(self) -> str:
        """Canonical TOML: every setting in fixed order, those without a value left out.

        Returns
        -------
        str
            Text that `from_toml` reads back to equal settings.

        Examples
        --------
        >>> FitConfig(epochs=3).to_toml().splitlines()[:2]
        ['seed = 0', 'epochs = 3']
        """
        own = self.model_dump(mode="json", exclude_none=True)
        network = own.pop("encoder")
        options = network.pop("options")
        # JSON writes numbers, texts, truth values and lists of numbers as TOML does
        tables = [[f"{k} = {json.dumps(v)}" for k, v in table.items()] for table in (own, network)]
        text = "\n".join([*tables[0], "", "[encoder]", *tables[1]]) + "\n"
        if options:
            more = "\n".join(f"{k} = {json.dumps(v)}" for k, v in options.items())
            text += f"\n[encoder.options]\n{more}\n"
        return text

    @classmethod
    def from_toml(cls, path: str | Path) -> FitConfig:
        """Read settings from a TOML file.

        Parameters
        ----------
        path : str or Path
            The file.

        Returns
        -------
        FitConfig
            Checked settings.

        Raises
        ------
        RecipeError
            If the file is missing, not TOML, or has an unknown key or an impossible value.
        """
        try:
            mapping = parse_toml(read_text(path))
        except (OSError, ValueError) as error:
            reason = " ".join(str(error).split()).rstrip(".")
            raise RecipeError(f"Training settings `{path}` cannot be read: {reason}.") from None
        return cls.from_mapping(mapping, str(path))
