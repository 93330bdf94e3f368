"""Helpers: labels, images and tables from files, parts of a dataset, padded sequences, a seed for everything."""

from ..data.tables import load_csv
from ..randomness import set_random_seed
from .categorical import normalize, to_categorical
from .image_files import img_to_array, load_img
from .images import image_dataset_from_directory
from .plot_model import model_to_dot, plot_model
from .sequences import pad_sequences
from .split import split_dataset

__all__ = [
    "image_dataset_from_directory",
    "img_to_array",
    "load_csv",
    "load_img",
    "model_to_dot",
    "normalize",
    "pad_sequences",
    "plot_model",
    "split_dataset",
    "set_random_seed",
    "to_categorical",
]
