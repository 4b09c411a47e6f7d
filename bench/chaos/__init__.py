"""Jobs under fire: `./run chaos --jobs 1000 --seed 1`.

A real server runs in a home folder of its own, and a second worker node beside it. While jobs are posted over HTTP
something is killed, frozen, stopped, emptied, cut off or locked every second (`faults`); some jobs are posted twice,
rung twice, cancelled, or kill their worker themselves (`load`). At the end the database itself is looked into
(`checks`): every job has ended, with one result for each success, one last event for each job and no hole in any
channel; what was acknowledged as cancelled is; and nothing failed but what kills its worker.
"""

from bench.chaos.running import Report, run

__all__ = ["Report", "run"]
