"""What compiled code stands on: vectorised mathematics, scalar forms of operations, BLAS, threads."""
