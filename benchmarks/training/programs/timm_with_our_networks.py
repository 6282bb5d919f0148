"""timm's own train.py, untouched, after our networks were added to timm's registry: `timm_with_our_networks.py TRAIN_PY ARGUMENT …`."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

OURS = ("alasfoor-cnn22",)


def register() -> None:
    """Make `OURS` known to `timm.create_model`, hyphens as underscores."""
    import timm.models

    from core.models import narrow_norm, registry

    def entry(name: str) -> None:
        def create(pretrained: bool = False, num_classes: int = 2, image_size: int = 224, **_: object) -> object:
            if pretrained:
                raise RuntimeError(f"{name} has no pretrained weights")
            network = narrow_norm.without(registry.build(name, num_classes, image_size))
            network.num_classes, network.default_cfg, network.pretrained_cfg = num_classes, {}, {}
            return network

        create.__name__ = name.replace("-", "_")
        timm.models.register_model(create)

    for name in OURS:
        entry(name)


def main() -> None:
    program = Path(sys.argv[1]).resolve()
    sys.path[0] = str(program.parent)  # as Python itself sets it for `python train.py`
    sys.argv = [str(program), *sys.argv[2:]]
    register()
    runpy.run_path(str(program), run_name="__main__")


if __name__ == "__main__":
    main()
