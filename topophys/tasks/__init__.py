"""Learning tasks: fields, family, encoder, probe layers and figures of each in one place.

A task of your own is one file: a `Task`, its family of Hamiltonians, and a call of `register_task`.
"""

from topophys.datasets.tasks import Field, Task, get_task, register_task, task_names

__all__ = ["Field", "Task", "get_task", "register_task", "task_names"]
