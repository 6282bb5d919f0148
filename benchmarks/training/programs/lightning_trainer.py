"""Lightning's Trainer over ImageFolder: fp32, or `--mixed` and `--true` for its two kinds of bf16, both with channels_last."""

from __future__ import annotations

import common
import lightning
import torch
import torch.nn.functional as F
from torch.utils.data import DataLoader


class Classifier(lightning.LightningModule):
    """Cross entropy and Adam."""

    def __init__(self, network: torch.nn.Module, channels_last: bool) -> None:
        super().__init__()
        self.format = torch.channels_last if channels_last else torch.contiguous_format
        self.network = network.to(memory_format=self.format)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.network(x.contiguous(memory_format=self.format))

    def training_step(self, batch: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
        x, y = batch
        return F.cross_entropy(self(x), y)

    def validation_step(self, batch: tuple[torch.Tensor, torch.Tensor]) -> None:
        x, y = batch
        logits = self(x)
        self.log("loss", F.cross_entropy(logits, y))
        self.log("accuracy", (logits.argmax(dim=1) == y).float().mean())

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.parameters(), lr=1e-3)


def main() -> None:
    options = common.arguments("mixed", "true")
    training, validation = common.datasets(options)
    gpu = options.device.startswith("cuda")
    settings = {
        "batch_size": options.batch_size,
        "num_workers": options.workers,
        "pin_memory": gpu,
        "persistent_workers": options.workers > 0,
    }
    model = Classifier(common.network(options, len(training.classes)), channels_last=options.mixed or options.true)
    trainer = lightning.Trainer(
        max_epochs=options.epochs,
        precision="bf16-mixed" if options.mixed else "bf16-true" if options.true else "32-true",
        accelerator="gpu" if gpu else "cpu",
        devices=1,
        benchmark=True,
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        enable_checkpointing=False,
    )
    trainer.fit(model, DataLoader(training, shuffle=True, **settings), DataLoader(validation, **settings))


if __name__ == "__main__":
    main()
