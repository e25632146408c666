"""What the waiting policy of OpenMP threads does to VAE training, alone and beside a busy process.

    uv run python benchmarks/thread_policy.py [--quick]

Each line is a process of its own, since the policy is read when torch is loaded.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable

from _measure import Column, Table, parser, program

IMAGES, BATCH = 60_000, 100
WARM_UP, SECONDS = 50, 4.0
QUICK_WARM_UP, QUICK_SECONDS = 1, 0.1
POLICIES = {
    "zoo (spin 2000)": {"GOMP_SPINCOUNT": "2000"},
    "library default": {},
    "passive": {"OMP_WAIT_POLICY": "PASSIVE"},
    "spin 10000": {"GOMP_SPINCOUNT": "10000"},
    "one thread": {"OMP_NUM_THREADS": "1"},
}
BUSY = [sys.executable, "-c", "while True: pass"]


def training() -> Callable[[], None]:
    """A step of the training of `vae.mlp-64d`."""
    import torch  # first: it reads the policy of the environment, not the zoo's
    from zoo_vae import CARD, Train
    from zoo_vae.densities import binarise
    from zoo_vae.model import VAE

    options = CARD.presets["mlp-64d"].options
    assert isinstance(options, Train)
    vae = VAE(options, (1, 28, 28))
    adam = torch.optim.Adam(vae.parameters(), fused=True)
    images = torch.randint(256, (IMAGES, 1, 28, 28), dtype=torch.uint8)

    def step() -> None:
        batch = images[torch.randint(IMAGES, (BATCH,))]
        loss = torch.stack([part.mean() for part in vae(binarise(batch))]).sum()
        adam.zero_grad()
        loss.backward()
        adam.step()

    return step


def serve(quick: bool) -> None:
    """In a process of a policy: measure, and print images per second, each time that a line is read."""
    step = training()
    for _ in range(QUICK_WARM_UP if quick else WARM_UP):
        step()
    for _ in sys.stdin:
        began, done = time.perf_counter(), 0
        while time.perf_counter() - began < (QUICK_SECONDS if quick else SECONDS):
            step()
            done += 1
        print(done * BATCH / (time.perf_counter() - began), flush=True)


def images_per_second(policy: dict[str, str], quick: bool) -> tuple[float, float]:
    """The rate under a policy, alone and beside a busy process."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("OMP_", "GOMP_"))} | policy
    command = [sys.executable, __file__, "--serve", *(["--quick"] if quick else [])]
    with subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        asking, answers = server.stdin, server.stdout
        assert asking and answers

        def measure() -> float:
            print(file=asking, flush=True)
            return float(answers.readline() or "nan")  # nothing: it has failed

        alone = measure()
        neighbour = subprocess.Popen(BUSY)
        try:
            return alone, measure()
        finally:
            neighbour.kill()
            neighbour.wait()
            asking.close()


def main() -> None:
    """Print the table."""
    made = parser(__doc__)
    made.add_argument("--serve", action="store_true", help="measure in this process, once for each line that is read")
    asked = made.parse_args()
    if asked.serve:
        return serve(asked.quick)
    print("images/s")
    table = Table("policy", 16, [Column("alone", "{:,.0f}"), Column("beside a busy process", "{:,.0f}")])
    for name, policy in list(POLICIES.items())[: 2 if asked.quick else None]:
        table.row(name, *images_per_second(policy, asked.quick))


if __name__ == "__main__":
    program(main)
