"""`torch.export` of every encoder: the exported program agrees with the network."""

import pytest
import torch

from topophys import learn
from topophys.learn import (
    TopologicalMLEncoder,
    TopologicalMLEncoder2D,
    TopologicalMLEncoderLoops,
    encoders,
)
from topophys.learn.encoders import ConvolutionBaseline, LogisticBaseline, PerceptronBaseline

CASES = [
    (TopologicalMLEncoder, {}, (32, 8)),
    (TopologicalMLEncoder, {"input_dim": 18, "k_points": 16}, (16, 18)),
    (TopologicalMLEncoder, {"upsample": 2, "gated": False}, (32, 8)),
    (TopologicalMLEncoder2D, {}, (8, 6, 3)),
    (TopologicalMLEncoder2D, {"rotation_invariant": True, "upsample": 2}, (8, 6, 3)),
    (TopologicalMLEncoderLoops, {"input_dim": 32, "n_occupied": 2}, (6, 6, 32)),
    (ConvolutionBaseline, {}, (32, 8)),
    (PerceptronBaseline, {}, (32, 8)),
    (LogisticBaseline, {}, (32, 8)),
]


def inputs(cls, shape, n):
    x = torch.randn(n, *shape)
    if cls is TopologicalMLEncoderLoops:  # Hermitian matrices
        h = torch.view_as_complex(x.reshape(n, *shape[:-1], 4, 4, 2).contiguous())
        x = torch.view_as_real(h + h.mH).reshape(n, *shape)
    return x


@pytest.mark.parametrize(("cls", "settings", "shape"), CASES)
def test_exported_program_agrees_at_any_batch_size(cls, settings, shape):
    torch.manual_seed(1)
    encoder = cls(**settings).eval()
    batch = torch.export.Dim("batch", min=2, max=4096)
    with torch.no_grad():
        program = torch.export.export(
            encoder, (inputs(cls, shape, 3),), dynamic_shapes={"x": {0: batch}}
        ).module()
        for n in (3, 7):
            x = inputs(cls, shape, n)
            found, expected = program(x), encoder(x)
            assert set(found) == set(expected)
            for name in ("invariant", "topological_logits", "topological_features"):
                torch.testing.assert_close(found[name], expected[name], rtol=1e-5, atol=1e-5)
            for name, value in expected["local_features"].items():
                torch.testing.assert_close(found["local_features"][name], value)


@pytest.mark.filterwarnings("ignore")  # of the exporter about itself
@pytest.mark.parametrize(("cls", "settings", "shape"), [CASES[0], CASES[3], CASES[4]])
def test_onnx_runtime_agrees(cls, settings, shape, tmp_path):
    pytest.importorskip("onnxscript", reason="needs the extra `onnx`")
    runtime = pytest.importorskip("onnxruntime", reason="needs the extra `onnx`")
    torch.manual_seed(1)
    encoder = cls(**settings).eval()
    batch = torch.export.Dim("batch", min=2, max=4096)
    with torch.no_grad():
        program = torch.onnx.export(
            encoder, (torch.randn(3, *shape),), dynamo=True, dynamic_shapes={"x": {0: batch}},
            verbose=False,
        )  # fmt: skip
        program.save(str(tmp_path / "encoder.onnx"))
        session = runtime.InferenceSession(
            str(tmp_path / "encoder.onnx"), providers=["CPUExecutionProvider"]
        )
        x = torch.randn(7, *shape)
        invariant = session.run(None, {session.get_inputs()[0].name: x.numpy()})[0]
        torch.testing.assert_close(
            torch.from_numpy(invariant), encoder(x)["invariant"], rtol=1e-5, atol=1e-5
        )


def test_every_encoder_of_the_package_is_exported_here():
    every = {cls for space in (encoders, learn) for cls in vars(space).values() if is_encoder(cls)}
    assert {cls for cls, *_ in CASES} == every


def is_encoder(thing):
    """A network that is trained; `SampledFormula` is what they are compared with."""
    own = isinstance(thing, type) and thing.__module__.startswith("topophys.learn.encoders.")
    return own and thing.__name__ != "SampledFormula"
