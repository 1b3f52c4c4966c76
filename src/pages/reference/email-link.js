/** Makes a form of a mailed link work: it sends the token of the link, once, when its button is pressed. */
export function sendsToken(form, path, bodyOf) {
  const outcome = document.getElementById("outcome");
  const button = form.querySelector("button");
  const token = new URLSearchParams(location.search).get("token");

  async function send() {
    button.disabled = true;
    try {
      const reply = await fetch(path, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ token, ...bodyOf(new FormData(form)) }),
      });
      outcome.textContent = (await reply.json()).message;
      if (reply.ok) form.remove();
    } catch {
      outcome.textContent = "The server does not respond. Try again.";
    }
    button.disabled = false;
  }

  if (token) {
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void send();
    });
  } else {
    for (const control of form.elements) control.disabled = true;
    outcome.textContent = "This link is incomplete. Open the whole link from the mail, or request a new one.";
  }
}
