"""Detect: what is not like the normal images, at a rate of false alarms that is stated beforehand."""

from diabolo.tasks.detect.detector import AnomalyDetector

__all__ = ["AnomalyDetector"]
