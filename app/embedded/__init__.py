"""The embedded server: everything that a single machine needs, as child processes of one launcher.

home      the folder: key, lock, what runs
ports     free ports, and who holds a busy one
queue     the private queue server
leash     a child that dies with its parent
keeper    starts, restarts and stops processes
server    puts them together
"""
