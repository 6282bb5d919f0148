"""The plain loop of the tutorials: ImageFolder, DataLoader, Adam, fp32, validation after every epoch."""

from __future__ import annotations

import sys

import common
import torch
from torch import nn
from torch.utils.data import DataLoader


def main() -> None:
    options = common.arguments()
    device = torch.device(options.device)
    training, validation = common.datasets(options)
    settings = {"batch_size": options.batch_size, "num_workers": options.workers, "pin_memory": device.type == "cuda"}
    loaders = DataLoader(training, shuffle=True, **settings), DataLoader(validation, **settings)
    model = common.network(options, len(training.classes)).to(device)
    criterion, optimiser = nn.CrossEntropyLoss(), torch.optim.Adam(model.parameters(), lr=1e-3)
    for epoch in range(1, options.epochs + 1):
        model.train()
        for x, y in loaders[0]:
            x, y = x.to(device), y.to(device)
            loss = criterion(model(x), y)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        sys.stdout.write(
            f"epoch {epoch}: training loss {loss.item():.4f}, validation accuracy {_accuracy(model, loaders[1], device):.3f}\n"
        )


@torch.no_grad()
def _accuracy(model: nn.Module, loader: DataLoader, device: torch.device) -> float:
    model.eval()
    right = sum((model(x.to(device)).argmax(dim=1) == y.to(device)).sum().item() for x, y in loader)
    return right / len(loader.dataset)


if __name__ == "__main__":
    main()
