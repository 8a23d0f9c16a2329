"""seaborn, imported without `scipy.stats`, which takes a quarter of a figure's start.

seaborn imports it where it is installed, for densities and clusters, and does without it
otherwise. No figure here draws these. Modules of scipy that other code imports are not touched.
"""

import sys

OPTIONAL = [name for name in ("scipy.stats", "scipy.cluster") if name not in sys.modules]
sys.modules.update(dict.fromkeys(OPTIONAL))  # None: an import of it fails, as if not installed

import seaborn as sns  # noqa: E402
import seaborn.objects as so  # noqa: E402

for name in OPTIONAL:
    del sys.modules[name]

__all__ = ["sns", "so"]
