// The one dialog that every change asks with.

/** Ends what the dialog asked last. */
let askedLast = null;

/**
 * Asks before something is changed, and changes it while the dialog still stands, so that a failure is told where it
 * was asked. Escape and Cancel change nothing; the focus goes back to where it was.
 *
 * - `title`, `words`: what it is about; the words are texts or nodes, a paragraph each
 * - `choices`: `[{value, title, words}]`, of which the first is taken if nothing is said
 * - `place`: `{label, value, look(text, signal)}`, a line to type into; `look` returns what it would concern
 * - `sure`: what has to be ticked before; `look` may return one as well
 * - `go`, `danger`: the button's words, and whether it is one to be careful with
 * - `act({choice, text})`: does it, and returns what there is to say
 */
function ask({ title, words = [], choices = [], place = null, sure = null, go, danger = false, act }) {
  const dialog = byId("ask");
  const button = byId("ask-go");
  const input = byId("ask-input");
  const box = byId("ask-sure-box");
  askedLast?.abort();
  const end = askedLast = new AbortController();
  const during = { signal: end.signal };
  let isBusy = false;

  setText(byId("ask-title"), title);
  byId("ask-words").replaceChildren(...words.map((word) => element("p", {}, word)));
  setText(byId("ask-error"), "");
  setText(button, go);
  button.className = danger ? "danger" : "primary";

  byId("ask-choices").hidden = choices.length === 0;
  byId("ask-choices").replaceChildren(
    element("legend", { class: "unseen" }, title),
    ...choices.map((choice, index) => element("label", {},
      element("input", { type: "radio", name: "choice", value: choice.value, checked: index === 0 }),
      element("span", {}, choice.title, element("small", {}, choice.words)))));

  const state = { sure, isReady: place === null };
  const show = () => {
    byId("ask-sure").hidden = !state.sure;
    setText(byId("ask-sure-words"), state.sure ?? "");
    button.disabled = isBusy || !state.isReady || (Boolean(state.sure) && !box.checked);
  };
  const choice = () => byId("ask-choices").querySelector("input:checked")?.value ?? null;

  let looking = null;
  const look = async () => {
    looking?.abort();
    looking = new AbortController();
    const signal = looking.signal;
    state.isReady = false;
    box.checked = false;
    setText(byId("ask-found"), "Looking …");
    show();
    try {
      const found = await place.look(input.value, choice(), signal);
      if (signal.aborted) return;
      Object.assign(state, { sure: found.sure ?? null, isReady: found.isReady });
      setText(byId("ask-found"), found.words);
      setText(button, found.go ?? go);
    } catch (error) {
      if (signal.aborted) return;
      setText(byId("ask-found"), sentence(error.message));
    }
    show();
  };
  box.checked = false;
  byId("ask-place").hidden = !place;
  if (place) {
    setText(byId("ask-label"), place.label);
    input.value = place.value;
    let waiting;
    const later = () => {
      state.isReady = false;
      show();
      clearTimeout(waiting);
      waiting = setTimeout(look, 250);
    };
    input.addEventListener("input", later, during);
    byId("ask-choices").addEventListener("change", look, during);
    end.signal.addEventListener("abort", () => { clearTimeout(waiting); looking?.abort(); });
    look();
  }
  box.addEventListener("change", show, during);
  byId("ask-cancel").addEventListener("click", () => dialog.close(), during);
  dialog.addEventListener("cancel", (event) => { if (isBusy) event.preventDefault(); }, during);
  // It comes with the browser's next frame, when the dialog may ask the next thing already.
  dialog.addEventListener("close", () => { if (!dialog.open) end.abort(); }, during);
  dialog.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (button.disabled) return;
    isBusy = true;
    show();
    setText(byId("ask-error"), "");
    try {
      const done = await act({ choice: choice(), text: input.value });
      dialog.close();
      say(done);
    } catch (error) {
      setText(byId("ask-error"), sentence(error.message));
    }
    isBusy = false;
    show();
  }, during);
  show();
  dialog.showModal();
  // The harmless way is the one that a hasty Enter takes.
  if (!place) byId("ask-cancel").focus();
}
