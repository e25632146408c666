"""What the waiting policy of OpenMP threads does to VAE training, alone and beside a busy process.

    uv run python benchmarks/thread_policy.py

Each line is a process of its own, since the policy is read when torch is loaded.
"""

from __future__ import annotations

import os
import subprocess
import sys

CODE = """
import time, torch  # torch first: it reads the policy of the environment, not the zoo's
from zoo_vae import CARD
from zoo_vae.model import VAE, binarise
vae = VAE(CARD.presets["mlp-64d"].options)
adam = torch.optim.Adam(vae.parameters(), fused=True)
images = torch.randint(256, (60000, 1, 28, 28), dtype=torch.uint8)
def step():
    loss = sum(part.mean() for part in vae(binarise(images[torch.randint(60000, (100,))])))
    adam.zero_grad(); loss.backward(); adam.step()
for _ in range(50): step()
began, done = time.perf_counter(), 0
while time.perf_counter() - began < 4: step(); done += 1
print(round(done * 100 / (time.perf_counter() - began)))
"""
POLICIES = {
    "zoo (spin 2000)": {"GOMP_SPINCOUNT": "2000"},
    "library default": {},
    "passive": {"OMP_WAIT_POLICY": "PASSIVE"},
    "spin 10000": {"GOMP_SPINCOUNT": "10000"},
    "one thread": {"OMP_NUM_THREADS": "1"},
}
BUSY = [sys.executable, "-c", "while True: pass"]


def images_per_second(policy: dict[str, str]) -> int:
    env = {k: v for k, v in os.environ.items() if not k.startswith(("OMP_", "GOMP_"))} | policy
    return int(subprocess.run([sys.executable, "-c", CODE], env=env, check=True, capture_output=True, text=True).stdout)


def main() -> None:
    print(f"{'policy':18} {'alone':>8} {'beside a busy process':>22}   images/s")
    for name, policy in POLICIES.items():
        alone = images_per_second(policy)
        neighbour = subprocess.Popen(BUSY)
        try:
            beside = images_per_second(policy)
        finally:
            neighbour.kill()
        print(f"{name:18} {alone:8,} {beside:22,}", flush=True)


if __name__ == "__main__":
    main()
