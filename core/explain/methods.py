"""Every way to a heat map by its name, what it shows and where it misleads. Dull on purpose; importing it loads nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from core.errors import UnknownName

Kind = Literal["gradient", "activation", "passes"]
"""What is computed: one pass and a gradient through the head, one pass alone, or many passes over changed images or activations."""


@dataclass(frozen=True)
class Method:
    """A method and what others must know of it."""

    title: str
    shows: str  # one sentence
    limit: str  # one sentence
    source: str
    unit: str  # of the values
    kind: Kind = "gradient"
    uses_class: bool = True
    uses_layer: bool = True

    @property
    def slow(self) -> bool:
        """It takes hundreds of passes: seconds to a minute an image on a CPU."""
        return self.kind == "passes"


_LOGIT, _ACTIVATION = "units of the logit", "units of the activation"

METHODS: dict[str, Method] = {
    "gradcam": Method(
        title="Grad-CAM",
        shows="The layer's maps, each weighted by how much it raises the class's logit on average.",
        limit="The average over places can show a place that the network did not use, and blurs small findings.",
        source="Selvaraju et al. 2017, equations 1 and 2",
        unit=_LOGIT,
    ),
    "hirescam": Method(
        title="HiResCAM",
        shows="Gradient times activation at each place: exactly what each place adds to the logit where a single linear layer follows.",
        limit="With more layers after the chosen one it is a local approximation, and rougher to the eye than Grad-CAM.",
        source="Draelos & Carin 2020",
        unit=_LOGIT,
    ),
    "gradcam++": Method(
        title="Grad-CAM++",
        shows="Grad-CAM that counts only places whose gradient is positive, so that several findings of one class stay visible.",
        limit="It ignores all evidence against the class, so it hardly ever stays empty.",
        source="Chattopadhay et al. 2018, equation 19",
        unit=_LOGIT,
    ),
    "xgradcam": Method(
        title="XGrad-CAM",
        shows="Grad-CAM with gradients weighted by the activation, so that the map adds up to the logit as nearly as it can.",
        limit="It divides by a map's sum and becomes unstable where activations may be negative.",
        source="Fu et al. 2020",
        unit=_LOGIT,
    ),
    "layercam": Method(
        title="LayerCAM",
        shows="Positive gradient times activation at each place: usable at earlier, finer layers.",
        limit="It ignores all evidence against the class, and at early layers it follows edges.",
        source="Jiang et al. 2021",
        unit=_LOGIT,
    ),
    "gradcamelementwise": Method(
        title="Grad-CAM, element-wise",
        shows="The positive part of gradient times activation, channel by channel.",
        limit="Channels that speak against the class cannot cancel others; after a ReLU it is the same as LayerCAM.",
        source="grad-cam library, after Selvaraju et al. 2017",
        unit=_LOGIT,
    ),
    "cam": Method(
        title="CAM",
        shows="The class's own weights times the last maps: its mean over all places is exactly the logit less its bias.",
        limit="Only for networks that average their last maps and end in one linear layer.",
        source="Zhou et al. 2016; used by Lacruz & Lorenzo 2020 on Xception",
        unit=_LOGIT,
    ),
    "eigencam": Method(
        title="EigenCAM",
        shows="The strongest common pattern of the layer's maps, whatever the class.",
        limit="It knows no class, and its sign is a guess: it cannot explain an answer.",
        source="Muhammad & Yeasin 2020; sign as in Chung & Ying 2025, equation 13",
        unit=_ACTIVATION,
        kind="activation",
        uses_class=False,
    ),
    "eigengradcam": Method(
        title="Eigen-Grad-CAM",
        shows="The strongest common pattern of gradient times activation.",
        limit="Its sign is a guess, so that evidence against the class can look like evidence for it.",
        source="grad-cam library, after Muhammad & Yeasin 2020",
        unit=_LOGIT,
    ),
    "scorecam": Method(
        title="Score-CAM",
        shows="The layer's maps, each weighted by the logit of the image seen through that map alone; no gradients.",
        limit="Its weights are all positive, so it shows something even for a class that nothing speaks for.",
        source="Wang et al. 2020",
        unit=_ACTIVATION,
        kind="passes",
    ),
    "ablationcam": Method(
        title="Ablation-CAM",
        shows="The layer's maps, each weighted by the drop of the logit when it is set to 0; no gradients.",
        limit="One map at a time is taken away, so maps that can stand in for each other all look unimportant.",
        source="Desai & Ramaswamy 2020, equation 3",
        unit="units of logit × activation",
        kind="passes",
    ),
    "occlusion": Method(
        title="Occlusion",
        shows="How far the logit falls when a grey patch covers each place of the image: no look inside the network.",
        limit="It is as coarse as its patch, the patch itself is unlike any X-ray, and findings that stand in for each other vanish.",
        source="Zeiler & Fergus 2014",
        unit=_LOGIT,
        kind="passes",
        uses_layer=False,
    ),
}


def refuse_unknown(method: str) -> None:
    """Raises UnknownName where `method` is none of `METHODS`."""
    if method not in METHODS:
        raise UnknownName.among("heat-map method", method, METHODS)
