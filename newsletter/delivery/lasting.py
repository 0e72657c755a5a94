"""How often, how long and how many: what the dispatcher goes by. Seconds, where nothing else is said."""

#: Losing the record of an accepted batch is doubt for everybody in it: recording is tried for minutes.
RECORD_TRIES, RECORD_WAIT = 60, 5.0
#: How often a turn that records nothing is tried where the connection broke: what it claimed has to be read back.
LOST_TRIES = 12
#: How long, in seconds, a provider that could not be reached is left alone where there is another.
AWAY = 600.0
#: So many calls in a row of which nobody will know are enough: each of them puts a whole batch in doubt.
SILENT = 3
#: Seconds between two counts while everything is accepted.
LOOK_EVERY = 0.2
#: Seconds between two looks, in a wait, whether somebody has paused, cancelled or stopped it.
SLICE = 0.5
#: The same while only others have calls under way.
OTHERS = 0.1
