// What codes of the API mean, for people. `docs/answers.md` and `docs/call-risk.md` say more.

export const DECISIONS = {
  ACCEPT: "go on",
  STEP_UP: "ask for another proof",
  REJECT: "do not go on as this person",
  INCONCLUSIVE: "too little speech to decide",
};

export const REASONS = {
  VOICE_MATCH: "The voice alone would have been accepted.",
  VOICE_UNCERTAIN: "The voice alone suffices neither to accept nor to reject.",
  VOICE_MISMATCH: "The voice alone would have been rejected.",
  VOICE_SYNTHETIC: "A synthetic voice is likelier than the policy allows.",
  LIVENESS_UNCERTAIN: "It is not clear enough that the voice is bona fide.",
  NO_SPEECH: "Nothing was said.",
  NOT_ENOUGH_SPEECH: "There was less speech than a decision takes.",
  AUDIO_CLIPPED: "The speech is so overdriven that scores make more mistakes.",
  AUDIO_TOO_QUIET: "The speech is quieter than any that scores were measured on.",
  AUDIO_NOISY: "The speech is so noisy that scores make more mistakes.",
  CHANNEL_MISMATCH: "The speaker was enrolled over another band than this call's.",
  SIGNAL_MISSING: "A part of the evidence was not available.",
  BRAKE_ON: "It would have been accepted, but acceptances are stopped.",
  FACTOR_REQUIRED: "It would have been accepted, but the policy requires another factor than the voice.",
  AUDIO_REPLAYED: "The recording, a copy or a part of it was received before.",
  VOICE_CHANGED: "Before and after one moment speak different voices.",
  SEVERAL_VOICES: "More than one person speaks.",
  TOO_MANY_FAILURES: "Too many attempts at this speaker, or by this caller, failed lately.",
  CALL_CONTEXT: "What is known of the call changed the decision by one step.",
  WATCHLIST_MATCH: "The voice is like that of a known fraudster.",
  SPEAKER_NOT_CLAIMED: "The session names nobody to compare with.",
  SPEAKER_NOT_ENROLLED: "There is no complete voiceprint of the speaker.",
  SPEAKER_OPTED_OUT: "The speaker has opted out.",
  VOICEPRINT_OUTDATED: "No complete voiceprint is of a speaker network that is served.",
};

export const CALL_REASONS = {
  ATTESTATION_A: "attested in full",
  ATTESTATION_B: "attested in part",
  ATTESTATION_C: "attested by a gateway",
  CALL_FORWARDED: "somebody else was called first",
  CARRIER_CHANGED: "the number is known, its carrier is new",
  CHANNEL_KNOWN: "the speaker called over this channel before",
  CHARGED_ELSEWHERE: "another number pays",
  COUNTRY_NEW: "the speaker never claimed this country before",
  DEVICE_KNOWN: "the speaker called from this device before",
  DEVICE_NEW: "the speaker called from other devices before",
  DOMAIN_SURGE: "many more calls than usual",
  LINE_PAYPHONE: "a payphone",
  LINE_PRISON: "a prison's line",
  LINE_TOLL_FREE: "a toll-free number",
  LINE_VOIP: "a number that anybody gets in minutes",
  NUMBER_CALLS_HIGH: "many calls from the number within an hour",
  NUMBER_FRAUD: "a call from the number was labeled fraud",
  NUMBER_KNOWN: "the speaker called from this number before",
  NUMBER_MIRRORED: "caller and dialed number are the same",
  NUMBER_NEW: "the speaker called from other numbers before",
  NUMBER_SPEAKERS_HIGH: "several speakers were claimed from the number",
  NUMBER_WITHHELD: "the caller shows no number",
  SPEAKER_CALLS_HIGH: "many calls claimed the speaker within an hour",
  SPEAKER_NUMBERS_HIGH: "the speaker was claimed from several other numbers",
  VERSTAT_FAILED: "the signature of the call is wrong",
};

export const LABELS = { genuine: "genuine", fraud: "fraud", unknown: "no outcome" };

export const ATTACKS = {
  impostor: "another human's own voice",
  synthetic: "synthetic or converted",
  replayed: "a replayed recording",
  other: "another kind",
};

export const SETTINGS = {
  impostor_prior: "share of calls by impostors",
  spoof_prior: "share of calls by synthetic voices",
  false_accept_cost: "cost of accepting an impostor",
  spoof_accept_cost: "cost of accepting a synthetic voice",
  false_reject_cost: "cost of rejecting the speaker",
  step_up_cost: "cost of asking for another proof",
  uncertain_margin: "margin of the evidence, nats",
  requires: "voice alone never accepts",
  reject_on: "alerts that reject",
  minimum_decision_seconds: "least speech of a decision, s",
};
