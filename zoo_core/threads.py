"""How OpenMP threads wait for work: settled when `zoo_core` is imported, which is before it imports torch.

By default they spin for milliseconds. On an idle machine that is fastest; beside a busy process the
spinning threads and the working ones take each other's cores, and training becomes many times slower.
Threads that sleep at once are safe, and slow everywhere. A short spin lies between: slower than a long
one on an idle machine, and without the cliff on a busy one (benchmarks/thread_policy.py).
"""

import os

SPINS = "2000"

if not {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT"} & set(os.environ):
    os.environ["GOMP_SPINCOUNT"] = SPINS
