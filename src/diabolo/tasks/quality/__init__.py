"""Quality: what a synthetic set is worth beside the real one, from `diabolo` or from any other tool."""

from diabolo.tasks.quality.measure import measure_quality
from diabolo.tasks.quality.record import Quality

__all__ = ["Quality", "measure_quality"]
