/* The rest of a call, for the model checker spin: two people in one batch, settled one by one. The same rules as
   tests/remainder_model.py; tests/unit/test_remainder_model.py runs both. What a batch as one thing needs, with two
   dispatchers and time, is ledger.pml.

   One dispatcher, which may be killed between any two steps. The provider takes, refuses or puts off each of the two,
   answers or not, or refuses the call as a whole; an event, a look-up and an operator speak of single people.

   What the provider can do (define one; none means neither):
     KEYED     the same key again is answered and not mailed; it may refuse or put off without looking at the key
     LOOKUP    it tells what it has
   Guards that can be taken out, to see what they are for:
     AGAIN_TO_ALL        the next attempt is for everybody in the batch again
     OLD_KEY             the rest goes out under the key of the call that it was left over from
     ONE_KEY             all pieces go out under the key of the whole
     NEW_CALL_IN_DOUBT   what may have been taken is repeated as a new call
     NO_DOUBT            "not now" or a refusal of a repetition is believed
     PIECE_PROVES_ALL    a repeated piece's refusal is believed, because another piece was accepted
     LOST_PIECE_IS_REST  the people of a lost piece are part of the rest
     EVENT_IGNORED       who is shown to have it is handed over with the rest
     EVENTS_LATE         the rest goes out before what an event said meanwhile is looked at
     LOOKUP_AS_A_WHOLE   "not all are there" gives the whole call back
     WORD_AS_A_WHOLE     an operator's "not sent" of one gives the whole batch back
     GUESSING            an operator guesses
     PARTIAL_FOR_EVER    an issue stays partial when everybody has it
     SENT_ANYWAY         the last doubt makes it sent, whoever was refused

     spin -a -DKEYED docs/remainder.pml && gcc -O2 -w -DSAFETY -DCOLLAPSE -o pan pan.c && ./pan -n -m100000           */

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
#ifdef AGAIN_TO_ALL
#define member(i) true
#else
#define member(i) (!apart(row[i]))
#endif
#ifdef NO_DOUBT
#define careful false
#else
#define careful doubt
#endif
#ifdef GUESSING
#define readable(i) true
#else
#define readable(i) (mailed[i] == 0)
#endif

#define NOTHING 0         /* no answer yet; as a row: fares as the batch */
#define YES 1
#define NO 2
#define LATER 3           /* certainly not taken */
#define LOST 4            /* nobody knows */
#define WHOLE 5           /* the call was refused as a whole */
#define SHOWN 6           /* as a row: accepted by evidence, but still part of the call that is in doubt */

mtype = { pending, claimed, sending, accepted, refused, unknown,    /* the batch */
          going, sent, partial };                                   /* the issue */

mtype status = pending, issue = going;
byte  attempt, generation;
bool  doubt, cut;         /* cut: the next attempt is two calls, under keys of their own */
byte  row[2];             /* YES, NO and LOST are set apart: not handed over again */
byte  calling;            /* 1: a call is to be made; 2: all answers of the attempt are here */
bool  second;             /* it is the second piece */
bool  in[2];              /* who is in the attempt */
byte  said[2];            /* what is heard of them */
bool  told[2];            /* whom an event has named meanwhile */
byte  mailed[2], crashes;
byte  kept[24], kept0[24], kept1[24];  /* the provider's memory, by key: who was in the call, and its answers */

#define apart(r)     (r == YES || r == NO || r == LOST)
#define there(i)     (row[i] == YES || row[i] == SHOWN)
#define has_it(i)    (there(i) || (row[i] == NOTHING && status == accepted))
#define denied(i)    (row[i] == NO || (row[i] == NOTHING && status == refused))
#define unsure(i)    (row[i] == LOST || (row[i] == NOTHING && status == unknown))
#define settled(i)   (has_it(i) || denied(i) || unsure(i))
#define heard(what)  ((in[0] && said[0] == what) || (in[1] && said[1] == what))
#define only(what)   ((!in[0] || said[0] == what) && (!in[1] || said[1] == what))
#define broken_off   (heard(LATER) || heard(LOST))
#define bumped       generation = (generation < 7 -> generation + 1 : 7)

inline check() {
  assert(mailed[0] < 2 && mailed[1] < 2);                                                /* nobody twice */
  assert(!(has_it(0) && mailed[0] == 0) && !(has_it(1) && mailed[1] == 0));              /* accepted is mailed */
  assert(!(denied(0) && mailed[0] > 0) && !(denied(1) && mailed[1] > 0));                /* refused is not */
  assert(issue != sent || (has_it(0) && has_it(1)));                                     /* sent is to everybody */
  assert(issue != partial || !(has_it(0) && has_it(1)))                                  /* and partial is not */
}

inline forget() {         /* what one step has used */
  here[0] = false; here[1] = false; took[0] = false; took[1] = false; key = 0; who = 0;
  more = false; both = false; refused_whole = false; stopped = false; shown = false
}

inline silence() {        /* what one attempt has heard */
  in[0] = false; in[1] = false; said[0] = NOTHING; said[1] = NOTHING; told[0] = false; told[1] = false; second = false
}

inline begin() {
  in[0] = member(0); in[1] = member(1); said[0] = NOTHING; said[1] = NOTHING; told[0] = false; told[1] = false;
  status = sending; attempt++; calling = 1; second = false
}

/* What the provider does with one of the call, and what is heard. */
inline fate(i) {
  if
  :: !here[i] -> skip
  :: here[i] -> said[i] = YES; took[i] = true
  :: here[i] -> said[i] = NO
  :: here[i] -> said[i] = LATER
  :: here[i] -> said[i] = LATER; took[i] = true; told[i] = true
  :: here[i] -> said[i] = LOST; took[i] = true
  :: here[i] -> said[i] = LOST
  fi;
  if :: took[i] && mailed[i] < 2 -> mailed[i]++ :: else -> skip fi
}

inline all(what) {
  if :: here[0] -> said[0] = what :: else -> skip fi;
  if :: here[1] -> said[1] = what :: else -> skip fi
}

inline post() {
  here[0] = in[0] && !second; here[1] = in[1] && (second || !cut || !in[0]);
  took[0] = false; took[1] = false; who = here[0] + 2 * here[1];
#ifdef OLD_KEY
  key = 0;
#else
  key = 3 * generation;
#endif
#ifndef ONE_KEY
  if :: cut -> key = key + 1 + second :: else -> skip fi;
#endif
  if
  :: keyed && kept[key] != 0 ->
       if
       :: kept[key] == who -> if :: here[0] -> said[0] = kept0[key] :: else -> skip fi;
                              if :: here[1] -> said[1] = kept1[key] :: else -> skip fi
       :: kept[key] != who -> all(YES)
       :: true -> all(NO)
       :: true -> all(LATER)
       :: true -> all(LOST)
       :: true -> all(WHOLE)
       fi
  :: !(keyed && kept[key] != 0) ->
       if
       :: true -> all(WHOLE)
       :: true -> fate(0); fate(1);
          if
          :: keyed && (took[0] || took[1]) -> kept[key] = who;
               kept0[key] = (took[0] -> YES : (said[0] == LOST -> LATER : said[0]));
               kept1[key] = (took[1] -> YES : (said[1] == LOST -> LATER : said[1]))
          :: else -> skip
          fi
       fi
  fi;
  more = cut && in[0] && in[1] && !second && said[0] != LATER && said[0] != LOST;
  if
  :: more -> second = true
  :: else -> calling = 2;
       if :: in[1] && said[1] == NOTHING -> said[1] = LATER :: else -> skip fi
  fi
}

/* A refusal of the whole call: all there is to say of one alone; of two, that they are looked at one by one. */
inline as_one(i, alone) {
  if
  :: said[i] == WHOLE -> said[i] = (careful -> LOST : (alone -> NO : LATER))
  :: else -> skip
  fi
}

inline set_apart(i, what) {
  if
  :: in[i] && said[i] == what -> row[i] = (there(i) -> YES : what)
  :: else -> skip
  fi
}

inline completed() {
#ifndef PARTIAL_FOR_EVER
  if
#ifdef SENT_ANYWAY
  :: issue == partial && !unsure(0) && !unsure(1) && status != claimed -> issue = sent
#else
  :: issue == partial && has_it(0) && has_it(1) -> issue = sent
#endif
  :: else -> skip
  fi
#else
  skip
#endif
}

/* Evidence that somebody has it: of the rest nobody knows then; and the last doubt ends the issue. */
inline proved(i) {
  shown = !apart(row[i]);
  row[i] = (shown -> SHOWN : YES);
  if
  :: status != accepted ->
#ifdef EVENT_IGNORED
       if :: shown && status == unknown -> doubt = true :: else -> skip fi;
#else
       if :: shown -> status = unknown; doubt = true :: else -> skip fi;
#endif
       if :: status == unknown && row[0] != NOTHING && row[1] != NOTHING -> status = accepted; doubt = false
          :: else -> skip fi
  :: else -> skip
  fi;
  completed()
}

inline record() {
  both = in[0] && in[1];
  refused_whole = both && !cut && said[0] == WHOLE;
  stopped = (in[1] && (said[1] == LATER || said[1] == LOST)) || (!in[1] && (said[0] == LATER || said[0] == LOST));
#ifndef PIECE_PROVES_ALL
  if :: cut && careful && in[0] && said[0] != YES -> said[0] = LOST :: else -> skip fi;
  if :: cut && careful && in[1] && said[1] != YES -> said[1] = LOST :: else -> skip fi;
#endif
  as_one(0, cut || !both); as_one(1, cut || !both);
  if                      /* broken off, and can be repeated or asked about: in doubt as a whole */
  :: cut && stopped && (doubt || ((keyed || lookup) && heard(LOST) && !heard(YES) && !heard(NO))) ->
       if :: in[0] -> said[0] = LOST :: else -> skip fi;
       if :: in[1] -> said[1] = LOST :: else -> skip fi
  :: else -> skip
  fi;
#ifdef LOST_PIECE_IS_REST
  if :: cut && said[0] == LOST -> said[0] = LATER :: else -> skip fi;
  if :: cut && said[1] == LOST -> said[1] = LATER :: else -> skip fi;
#endif
  if
  :: careful && !heard(YES) -> status = unknown
  :: careful && heard(YES) ->
       if :: in[0] && said[0] == LATER -> said[0] = LOST :: else -> skip fi;
       if :: in[1] && said[1] == LATER -> said[1] = LOST :: else -> skip fi;
       status = accepted; doubt = false;
       set_apart(0, NO); set_apart(0, LOST); set_apart(1, NO); set_apart(1, LOST)
  :: !careful && only(LOST) -> status = unknown; doubt = true
  :: !careful && !only(LOST) && !heard(LATER) ->
       doubt = false; status = ((heard(YES) || there(0) || there(1)) -> accepted : refused);
       if :: status == accepted -> set_apart(0, NO); set_apart(1, NO) :: else -> skip fi;
       set_apart(0, LOST); set_apart(1, LOST)
  :: !careful && heard(LATER) ->
       more = refused_whole || (cut && only(LATER) && both);
       if :: !only(LATER) || more != cut -> bumped :: else -> skip fi;
       status = claimed; doubt = false; cut = more;
       set_apart(0, YES); set_apart(0, NO); set_apart(0, LOST);
       set_apart(1, YES); set_apart(1, NO); set_apart(1, LOST);
#ifndef EVENTS_LATE
       if :: told[0] && !there(0) -> proved(0) :: else -> skip fi;
       if :: told[1] && !there(1) -> proved(1) :: else -> skip fi
#endif
  fi
}

inline look_up() {        /* who is there is accepted, who is not is the rest */
  in[0] = !apart(row[0]); in[1] = !apart(row[1]);
  said[0] = (mailed[0] > 0 -> YES : LATER); said[1] = (mailed[1] > 0 -> YES : LATER);
  if
#ifdef LOOKUP_AS_A_WHOLE
  :: heard(YES) && heard(LATER) -> status = claimed; doubt = false
#endif
  :: else -> doubt = false;
       if
       :: only(YES) -> status = accepted
       :: only(LATER) -> status = claimed
       :: else -> status = claimed; bumped; cut = false; set_apart(0, YES); set_apart(1, YES)
       fi
  fi;
  silence()
}

inline stays(i) {         /* who is not named by a "not sent" keeps what they have, as a row of their own */
  if
  :: row[i] == SHOWN -> row[i] = YES
  :: row[i] == NOTHING && status == accepted -> row[i] = YES
  :: row[i] == NOTHING && status == refused -> row[i] = NO
  :: row[i] == NOTHING && status == unknown -> row[i] = LOST
  :: else -> skip
  fi
}

inline not_sent(zero, one) {
  if
  :: status == unknown && (zero == !apart(row[0])) && (one == !apart(row[1])) -> skip     /* the call as it was */
  :: else -> bumped; cut = false;
#ifdef WORD_AS_A_WHOLE
       row[0] = NOTHING; row[1] = NOTHING
#else
       if :: zero -> row[0] = NOTHING :: else -> stays(0) fi;
       if :: one -> row[1] = NOTHING :: else -> stays(1) fi
#endif
  fi;
  status = claimed; doubt = false; issue = going
}

#define idle (calling == 0)
#define quiet (idle && status != sending)
#define again (attempt < TRIES && issue == going)

active proctype everything() {
  bool here[2], took[2], more, both, refused_whole, stopped, shown; byte key, who;
  do
  :: atomic { (status == pending || status == claimed) && again -> begin(); check() }
  :: atomic { status == claimed && issue == going ->                                      /* cancelled */
       if
       :: there(0) || there(1) -> status = accepted;
            if :: row[0] == NOTHING -> row[0] = NO :: else -> skip fi;
            if :: row[1] == NOTHING -> row[1] = NO :: else -> skip fi
       :: else -> status = refused
       fi; check() }
  :: atomic { calling == 1 -> post(); check(); forget() }
  :: atomic { calling == 2 -> calling = 0; record(); check(); forget(); silence() }
  :: atomic { calling > 0 && crashes < CRASHES -> crashes++; calling = 0; silence() }
  :: atomic { status == sending && idle -> status = unknown; doubt = true; check() }
  :: atomic { ((status == sending && idle) || status == unknown) && keyed && again && (member(0) || member(1)) ->
       doubt = true;
#ifdef NEW_CALL_IN_DOUBT
       bumped;
#endif
       begin(); check() }
  :: atomic { ((status == sending && idle) || status == unknown) && lookup && again -> look_up(); check(); forget() }
  :: atomic { quiet && status != pending && mailed[0] > 0 && !has_it(0) -> proved(0); check(); forget() }
  :: atomic { quiet && status != pending && mailed[1] > 0 && !has_it(1) -> proved(1); check(); forget() }
  :: atomic { quiet && attempt < TRIES && issue != sent && unsure(0) && readable(0) -> not_sent(true, false); check() }
  :: atomic { quiet && attempt < TRIES && issue != sent && unsure(1) && readable(1) -> not_sent(false, true); check() }
  :: atomic { quiet && attempt < TRIES && issue != sent && unsure(0) && unsure(1) && readable(0) && readable(1) ->
       not_sent(true, true); check() }
  :: atomic { quiet && issue == going && (status == accepted || status == refused || status == unknown) ->
       issue = (has_it(0) && has_it(1) -> sent : partial); check() }
  :: timeout -> assert(settled(0) && settled(1) && issue != going); break                 /* nobody is lost */
  od;
}
