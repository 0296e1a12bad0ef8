// Rochambeau's page. It knows nothing but LiveMessage: whom to send to, and what to do with what comes.
//
// A round: each page seals its throw (SHA-256 over game, round, thrower, throw and a random word) and sends the seal. Only when
// it holds the other's seal does it send throw and word, so nobody can choose after having seen. What is sent is always the whole
// state of the sender, so that a page that was away, or loaded again, is up to date with the next message.
(() => {
  "use strict";
  const table = JSON.parse(document.getElementById("table").textContent);
  const BEATS = { rock: "scissors", paper: "rock", scissors: "paper" };
  const NEEDED = 3;
  const ASK_MS = 3000;
  const AWAY_MS = 8000;
  const $ = (selector) => document.querySelector(selector);
  const { me } = table;
  const rivals = table.others;
  const capital = (word) => word[0].toUpperCase() + word.slice(1);

  // ---- the game as this page knows it -------------------------------------------------------------------------------------

  /** A game: id, round, both scores, finished rounds, my throw of this round and the other's, and my throw of the last round. */
  const fresh = (id) => ({ id, round: 1, mine: null, theirs: {}, early: null, last: null, rounds: [] });
  let rival;
  let game;
  let lastSeen = 0;
  let connected = false;
  let ended = false;

  const place = () => `rochambeau/${me.uid}/${rival.uid}`;
  const save = () => {
    try {
      sessionStorage.setItem(place(), JSON.stringify(game));
    } catch {
      // Without storage a reload begins a new game.
    }
  };
  const load = () => {
    try {
      return JSON.parse(sessionStorage.getItem(place()) || "null");
    } catch {
      return null;
    }
  };
  /** Ids rise with time: of two games the later one counts. A game that nobody has thrown in has none and gives way to any. */
  const newId = (after) => {
    const now = Math.max(Date.now(), (parseInt(after, 36) || 0) + 1);
    return `${now.toString(36).padStart(9, "0")}-${me.uid}`;
  };

  const score = () => {
    const count = (who) => game.rounds.filter((round) => round.winner === who).length;
    return { mine: count("me"), theirs: count("them") };
  };
  const winner = () => {
    const { mine, theirs } = score();
    return mine >= NEEDED ? "me" : theirs >= NEEDED ? "them" : null;
  };
  const judge = (mine, theirs) => (mine === theirs ? "nobody" : BEATS[mine] === theirs ? "me" : "them");

  const hex = (bytes) => [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const seal = async (id, round, uid, move, word) => {
    const text = [id, round, uid, move, word].join("|");
    return hex(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text))));
  };

  // ---- messages -------------------------------------------------------------------------------------------------------------

  const play = new LiveMessage("rochambeau", (value, info) => receive(value, info));
  play.setSendErrorHandler((code, text) => {
    if (code === 292) say(`${rival.name} has not accepted Rochambeau yet`);
    else if (code !== 2) console.warn("send refused", code, text);
  });
  play.setShutdownHandler(() => {
    connected = false;
    show();
  });
  play.setRestartHandler(() => {
    connected = true;
    tell(true);
    show();
  });

  /** Sends the whole state; `ask` wants the other's in return. */
  const tell = (ask) => {
    const { mine } = game;
    const message = { g: game.id, r: game.round, k: ask ? 1 : 0 };
    if (mine && mine.seal) {
      message.c = mine.seal;
      if (game.theirs.seal) message.v = [mine.move, mine.word];
    }
    if (game.last) message.p = game.last;
    play.send(rival.uid, message);
  };

  let queue = Promise.resolve();
  const receive = (value, info) => {
    if (value && typeof value.say === "string") return say(`${nameOf(info.from)}: ${value.say}`);
    if (info.from !== rival.uid || !value || typeof value.g !== "string") return undefined;
    // One after the other: seals are checked asynchronously.
    queue = queue.then(() => take(value, info)).catch((error) => console.error(error));
    return queue;
  };

  const nameOf = (uid) => (rivals.concat(me).find((person) => person.uid === uid) || { name: uid }).name;

  const take = async (value, info) => {
    const now = Date.now();
    // What waited in the mailbox does not prove that somebody is there now.
    if (now - info.sentAt < AWAY_MS) lastSeen = value.bye ? 0 : now;
    if (value.bye) return show();
    if (value.g < game.id) {
      if (value.k) tell(false);
      return show();
    }
    let changed = false;
    if (value.g > game.id || Math.abs(value.r - game.round) > 1) {
      await adopt(value);
      changed = true;
    }
    if (value.g !== game.id) {
      save();
      tell(true);
      return show();
    }
    if (value.r === game.round) changed = await takeRound(value);
    else if (value.r === game.round + 1) {
      // The other has seen both throws and is one round ahead.
      if (value.p) changed = await takeRound({ c: game.theirs.seal, v: value.p });
      if (value.r === game.round) changed = (await takeRound(value)) || changed;
      else game.early = value;
    }
    save();
    if (changed || value.k) tell(false);
    show();
  };

  /** The other's game becomes ours. One that began without us cannot be joined: then a new one begins for both. */
  const adopt = async (value) => {
    const { mine, round } = game;
    game = fresh(value.r === 1 ? value.g : newId(value.g));
    ended = false;
    // Both threw before they knew of each other: our throw stays, sealed anew.
    if (mine && round === 1) await sealMove(mine.move);
  };

  /** The other's seal and throw of this round. True when they tell something new. */
  const takeRound = async ({ c, v }) => {
    let changed = false;
    if (typeof c === "string" && !game.theirs.seal) {
      game.theirs.seal = c;
      changed = true;
    }
    if (Array.isArray(v) && game.mine && game.theirs.seal && !game.theirs.move) {
      const [move, word] = v;
      const honest = BEATS[move] && (await seal(game.id, game.round, rival.uid, move, word)) === game.theirs.seal;
      game.theirs.move = honest ? move : "broken";
      finish(honest ? judge(game.mine.move, move) : "me");
      changed = true;
    }
    return changed;
  };

  /** Both throws are known: the round goes into the list and the next one begins. */
  const finish = (won) => {
    game.rounds.push({ mine: game.mine.move, theirs: game.theirs.move, winner: won });
    game.last = [game.mine.move, game.mine.word];
    game.round += 1;
    game.mine = null;
    game.theirs = {};
    const { early } = game;
    game.early = null;
    if (early && early.r === game.round && typeof early.c === "string") game.theirs.seal = early.c;
  };

  // ---- what the player does ---------------------------------------------------------------------------------------------------

  const sealMove = async (move) => {
    const word = hex(crypto.getRandomValues(new Uint8Array(16)));
    const mine = { move, word, seal: "" };
    game.mine = mine;
    mine.seal = await seal(game.id, game.round, me.uid, move, word);
  };

  const throwMove = async (move) => {
    if (game.mine || winner()) return;
    if (!game.id) game.id = newId("");
    await sealMove(move);
    save();
    tell(false);
    show();
  };

  const again = () => {
    if (!winner()) return;
    game = fresh(newId(game.id));
    ended = false;
    save();
    tell(true);
    show();
    $(".moves button").focus();
  };

  const choose = (uid) => {
    rival = rivals.find((person) => person.uid === uid) || rivals[0];
    game = load() || fresh("");
    lastSeen = 0;
    tell(true);
    show();
  };

  // ---- what the player sees -----------------------------------------------------------------------------------------------------

  const say = (text) => {
    $("#said").textContent = text;
  };

  const showSide = (side, { here, card, name, wins, state, won }) => {
    side.classList.toggle("here", here);
    side.classList.toggle("won", won);
    side.querySelector(".name").textContent = name;
    side.querySelector(".state").textContent = state;
    const cardElement = side.querySelector(".card");
    cardElement.classList.toggle("in", !!card);
    cardElement.setAttribute("aria-label", card ? (card === "sealed" ? "sealed throw" : card) : "no throw yet");
    if (card) cardElement.querySelector("use").setAttribute("href", `#shape-${card}`);
    const pips = side.querySelector(".pips");
    pips.setAttribute("aria-label", `${wins} of ${NEEDED} rounds won`);
    pips.replaceChildren(
      ...Array.from({ length: NEEDED }, (_, at) => {
        const pip = document.createElement("i");
        pip.className = at < wins ? "full" : "";
        return pip;
      }),
    );
  };

  const WORDS = { me: "you win the round", them: "the round is lost", nobody: "a draw" };

  const statusText = (here) => {
    if (!connected) return "The connection is gone, coming back…";
    const last = game.rounds[game.rounds.length - 1];
    const won = winner();
    if (won) return won === "me" ? `You win the match, ${me.name}!` : `${capital(rival.name)} wins the match.`;
    if (game.mine && game.theirs.seal) return "Both throws are in…";
    if (game.mine) return here ? `Sealed. Waiting for ${rival.name}…` : `Sealed. ${capital(rival.name)} is away and will find it.`;
    if (game.theirs.seal) return `${capital(rival.name)} has thrown. Your turn.`;
    if (!here) return `${capital(rival.name)} is away. Throw if you like.`;
    if (last) return `${capital(last.mine)} against ${last.theirs}: ${WORDS[last.winner]}. Next throw?`;
    return "Rock, paper or scissors?";
  };

  const show = () => {
    const here = Date.now() - lastSeen < AWAY_MS;
    const won = winner();
    const { mine, theirs } = score();
    const last = game.rounds[game.rounds.length - 1];
    const between = !game.mine && last;
    const theirLast = last && BEATS[last.theirs] ? last.theirs : null;
    showSide($("#mine"), {
      here: connected,
      card: game.mine ? game.mine.move : between ? last.mine : null,
      name: me.name,
      wins: mine,
      state: won === "me" ? "winner" : game.mine ? "sealed and sent" : won ? "" : "to throw",
      won: won === "me",
    });
    showSide($("#theirs"), {
      here,
      card: game.theirs.seal ? "sealed" : between ? theirLast : null,
      name: rival.name,
      wins: theirs,
      state: won === "them" ? "winner" : !here ? "away" : game.theirs.seal ? "has thrown" : won ? "" : "thinking",
      won: won === "them",
    });
    const text = statusText(here);
    if ($("#status").textContent !== text) $("#status").textContent = text;
    for (const button of document.querySelectorAll("[data-move]")) {
      button.disabled = !!game.mine || !!won;
      button.setAttribute("aria-pressed", String(!!game.mine && game.mine.move === button.dataset.move));
    }
    $("#again").hidden = !won;
    if (won && !ended) {
      ended = true;
      $("#again").focus();
    }
    const lines = game.rounds.map((round, at) => {
      const line = document.createElement("li");
      const left = document.createElement("span");
      const right = document.createElement("span");
      left.textContent = `${at + 1}. ${round.mine} – ${round.theirs}`;
      right.textContent = round.winner === "nobody" ? "draw" : round.winner === "me" ? me.name : rival.name;
      line.append(left, right);
      return line;
    });
    $("#rounds").replaceChildren(...lines.reverse());
  };

  // ---- beginning ------------------------------------------------------------------------------------------------------------

  for (const person of rivals) $("#rival").append(new Option(person.name, person.uid));
  $("#rival").addEventListener("change", (event) => choose(event.target.value));
  for (const button of document.querySelectorAll("[data-move]")) button.addEventListener("click", () => throwMove(button.dataset.move));
  $("#again").addEventListener("click", again);
  const KEYS = { r: "rock", p: "paper", s: "scissors" };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.tagName === "SELECT") return;
    const key = event.key.toLowerCase();
    if (KEYS[key]) throwMove(KEYS[key]);
    else if (key === "n") again();
  });
  // In the capture phase: before the connection leaves.
  addEventListener("pagehide", () => play.send(rival.uid, { g: game.id, bye: 1 }), true);

  rival = rivals[0];
  game = load() || fresh("");
  // The ticket of this page opens the connection; a second call with it only gives that connection.
  const live = LiveMessage.connect({ ticket: JSON.parse(document.getElementById("crier-ticket").textContent) });
  live.onState((state) => {
    connected = state === "open" || (connected && state !== "closed");
    show();
  });
  live.ready.then(
    () => {
      connected = true;
      show();
    },
    () => {
      $("#status").textContent = "This page may not connect any more. Load it again.";
    },
  );
  tell(true);
  show();
  setInterval(() => {
    if (connected) tell(true);
    show();
  }, ASK_MS);
})();
