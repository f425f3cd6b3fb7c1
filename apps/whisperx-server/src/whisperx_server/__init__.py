"""WhisperX behind HTTP: a front process that always answers, and one worker process that holds the models."""

__version__ = "0.1.0"
