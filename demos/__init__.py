"""Programs to run and read: one file, one idea each. ``python -m demos.NAME --help`` says what each does."""

import os

# Before NumPy is imported. The threads of its BLAS wait for one another after every product of matrices. Where the
# machine has something else to do as well, a convolution of the LeNet demo took 35 ms with four threads and 2 ms with
# one; where it has not, LeNet's step takes the same time with either.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
