"""Finding faults: where a NaN or an infinity comes from, and why a gradient is None, zero or odd.

``anomaly`` watches a program for the first NaN or infinity (``entries`` looks at arrays, ``cures`` knows what usually
helps, ``origin`` looks for it afterwards); ``explain`` answers for one target and one source, with ``none`` (from what
the tape remembers, or a ``journal`` of another run) and ``zero``. ``profile`` says where time and memory go.
"""

from .anomaly import detect_anomaly
from .explain import explain, explain_none
from .explanation import Explanation
from .profile import Profile, profile, what_keeps

__all__ = ["Explanation", "Profile", "detect_anomaly", "explain", "explain_none", "profile", "what_keeps"]
