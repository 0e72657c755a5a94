/* The ledger of deliveries, for the model checker spin. The same rules as tests/ledger_model.py, one try deeper,
   with three claims; tests/unit/test_ledger_model.py runs both. What becomes of single people in a batch: remainder.pml.

   One batch: batches do not touch each other. Two dispatchers claim, post and record; either may be killed at any step,
   or sleep for as long as it likes. The provider may take a request late, or never, and forget a key. Recovery may take
   a living dispatcher for dead. What was mailed is in nobody's memory but the provider's.

   What the provider can do (define one; none means neither):
     KEYED     the same key again is answered and not mailed, until the key is forgotten
     LOOKUP    it tells what it has
   Guards that can be taken out, to see what they are for:
     LEASE            a stale claim is given back instead of being doubted
     BLIND_RETRY      a lost answer is tried again
     NO_DOUBT         a refusal, or "not now", of a repetition is believed
     NO_LATE_CHECK    the age of claim and key is not looked at when posting
     NO_MARGIN        the key may be forgotten while a request under it is under way
     NO_FENCE         an old attempt's answer is written over a newer attempt
     HASTY_RECOVERY   recovery does not wait until the longest request is over
     SHORT_WAIT       the wait ends when nothing may be posted any more, though the last post is still under way
     HASTY_LOOKUP     nor does a look-up after a lost answer
     GUESSING         an operator's guess "it was not sent" is believed

     spin -a -DKEYED docs/ledger.pml && gcc -O2 -w -DCOLLAPSE -o pan pan.c && ./pan -a -n -N nobody_twice             */

#ifndef TRIES
#define TRIES 3
#endif
#ifndef CRASHES
#define CRASHES 1
#endif

#ifdef KEYED
#define keyed true
#else
#define keyed false
#endif
#ifdef LOOKUP
#define lookup true
#else
#define lookup false
#endif
#ifdef NO_FENCE
#define fence true
#else
#define fence (attempt == mine)
#endif
#ifdef NO_LATE_CHECK
#define too_late false
#else
#define too_late (late[_pid] || (keyed && key_old))
#endif
#ifdef NO_MARGIN
#define forgettable true
#else
#define forgettable (under_way == 0)
#endif
#ifdef SHORT_WAIT
#define waited (age != young)
#else
#define waited (age == over)
#endif
#ifdef HASTY_RECOVERY
#define recoverable true
#else
#define recoverable waited
#endif
#ifdef HASTY_LOOKUP
#define answerable true
#else
#define answerable waited
#endif

mtype = { pending, claimed, sending, accepted, refused, unknown,    /* the row */
          lost, later,                                              /* answers that are no status */
          young, too_old_to_post, over };                           /* the age of the newest claim */

mtype row = pending;      /* durable: the ledger */
byte  attempt = 0;        /* durable: grows with every claim, fences the receipt */
bool  doubt = false;      /* durable: an attempt ended without an answer */
mtype age = young;        /* once over, no request under any claim can still be taken */
bool  key_old = false;    /* by our reckoning: nothing more is posted under it */
bool  key_known = false;  /* the provider's memory */
byte  mailed = 0;         /* the world */
byte  under_way = 0;      /* requests that may still be taken */
byte  heard = 0;          /* of these, the ones whose sender still listens */
bool  ready[2], late[2];  /* a dispatcher about to post, and by its own clock too late for it */
byte  crashes = 0;
bool  guessed = false;    /* posted again without a key while an earlier request may be taken */

#define closed (row == accepted || row == refused || row == unknown)
#define open (row == sending || row == unknown)

inline take() {           /* what the provider does with one request */
  under_way--;
  if
  :: keyed && key_known -> skip
  :: else -> if :: mailed < 2 -> mailed++ :: else -> skip fi; key_known = true
  fi
}

active [2] proctype dispatcher() {
  byte mine; mtype answer; bool doubted;
again:
  atomic { mine = 0; answer = lost; doubted = false; ready[_pid] = false; late[_pid] = false }
end:
  atomic { (row == pending || row == claimed) && attempt < TRIES ->
    row = sending; attempt++; age = young; mine = attempt; doubted = doubt; ready[_pid] = true }
  if
  :: atomic { crashes < CRASHES -> crashes++; goto again }
  :: atomic { too_late -> ready[_pid] = false; goto receipt }
  :: atomic { !too_late ->
       guessed = guessed || (!keyed && (mailed > 0 || under_way > 0));
       under_way++; heard++; ready[_pid] = false }
  fi;
  if
  :: atomic { crashes < CRASHES -> crashes++; heard--; goto again }
  :: atomic { true -> heard--; take(); answer = accepted }
  :: atomic { true -> heard--; under_way--; answer = refused }
  :: atomic { mine < TRIES -> heard--; under_way--; answer = later }
  :: atomic { true -> heard--; answer = lost }
  fi;
  if
  :: atomic { crashes < CRASHES -> crashes++; goto again }
  :: skip
  fi;
receipt:
  atomic {
    if
    :: open && fence ->
#ifdef BLIND_RETRY
       if :: answer == lost && mine < TRIES -> answer = later :: else -> skip fi;
#endif
#ifndef NO_DOUBT
       if :: doubted && (answer == refused || answer == later) -> answer = lost :: else -> skip fi;
#endif
       doubt = doubted;
       if
       :: answer == lost -> row = unknown; doubt = true
       :: answer == later -> row = claimed
       :: else -> row = answer
       fi
    :: else -> skip
    fi }
  goto again
}

inline ask() {            /* a look-up at the provider */
  if
  :: mailed > 0 -> row = accepted
  :: mailed == 0 && attempt < TRIES -> row = claimed; doubt = false
  :: else -> row = refused
  fi
}

active proctype recovery() {
end:
  do
#ifdef LEASE
  :: atomic { row == sending && recoverable && attempt < TRIES -> row = claimed }
#endif
  :: atomic { row == sending && recoverable && !lookup -> row = unknown; doubt = true }
  :: atomic { row == sending && recoverable && lookup -> ask() }
  :: atomic { row == unknown && lookup && answerable -> ask() }
  :: atomic { row == unknown && keyed && !key_old && attempt < TRIES -> row = claimed; doubt = true }
  :: atomic { open && mailed > 0 -> row = accepted }                                      /* an event */
#ifdef GUESSING
  :: atomic { row == unknown && attempt < TRIES -> row = claimed; doubt = false }         /* an operator's guess */
#else
  :: atomic { row == unknown && attempt < TRIES && age == over && mailed == 0 ->          /* an operator's reading */
       row = claimed; doubt = false }
#endif
  od
}

active proctype time_and_provider() {
end:
  do
  :: atomic { attempt > 0 && age == young -> age = too_old_to_post;
       if :: ready[0] -> late[0] = true :: else -> skip fi;
       if :: ready[1] -> late[1] = true :: else -> skip fi }
  :: atomic { age == too_old_to_post && under_way == 0 -> age = over }
  :: atomic { keyed && attempt > 0 && !key_old -> key_old = true }
  :: atomic { key_old && key_known && forgettable -> key_known = false }
  :: atomic { under_way > heard -> take() }                                               /* accepted late */
  :: atomic { under_way > heard -> under_way-- }                                          /* or dropped */
  od
}

ltl nobody_twice { [] (mailed <= 1 && !guessed) }
ltl truthful     { [] ((row != accepted || mailed > 0) && (row != refused || mailed == 0)) }
ltl nobody_lost  { <> [] closed }
