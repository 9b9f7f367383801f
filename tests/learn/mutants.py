"""Networks with the faults of PHYSICS: what the tests of the encoder must be able to see."""

import torch

from topophys.learn import TopologicalMLEncoder


class Faulty(TopologicalMLEncoder):
    """An encoder with one fault.

    "zero padding": the last link ends on zeros instead of closing the zone;
    "open": the last link is missing; "average": mean over the zone instead of the sum;
    "side branch": the output does not come from the layers that are shown.
    """

    fault = ""

    def forward(self, x):
        h1 = self.point(x)
        ahead = h1.roll(-1, dims=1)
        if self.fault == "zero padding":
            ahead = torch.cat([h1[:, 1:], torch.zeros_like(h1[:, :1])], dim=1)
        h2 = torch.nn.functional.gelu(self.density(self.link(torch.cat([h1, ahead], dim=-1))))
        if self.fault == "open":
            h2 = h2[:, :-1]
        pooled = h2.mean(dim=1) if self.fault == "average" else h2.sum(dim=1)
        features = self.project(pooled)
        shown = {"h1_features": h1, "h2_features": h2}
        if self.fault == "side branch":
            features = (
                features.detach() + x.sum(dim=(1, 2)).unsqueeze(-1) * self.project.weight[:, 0]
            )
        invariant, logits = self.head(features)
        return {
            "invariant": invariant,
            "topological_logits": logits,
            "topological_features": features,
            "local_features": shown,
        }


def faulty(fault, **settings):
    """Encoder with one fault, or with none where `fault` is empty."""
    encoder = Faulty(**settings)
    encoder.fault = fault
    return encoder
