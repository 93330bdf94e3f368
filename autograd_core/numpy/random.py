"""Random Tensors, always from a generator that is passed or owned, never from a global one."""
