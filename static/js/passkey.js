// Asks the browser for a passkey and sends what it answers (WebAuthn level 2).
const form = document.querySelector("[data-passkey]");
const says = document.querySelector("[data-passkey-says]");

function bytes(text) {
  const plain = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
  return Uint8Array.from(plain, (sign) => sign.charCodeAt(0));
}
function text(buffer) {
  const plain = String.fromCharCode(...new Uint8Array(buffer));
  return btoa(plain).replace(/\+/g, "-").replace(/\//g, "_").replace(/=/g, "");
}

async function ask() {
  const options = JSON.parse(form.dataset.options);
  options.challenge = bytes(options.challenge);
  for (const list of [options.excludeCredentials, options.allowCredentials])
    for (const known of list ?? []) known.id = bytes(known.id);
  const isNew = form.dataset.passkey === "create";
  if (isNew) options.user.id = bytes(options.user.id);
  try {
    const made = isNew
      ? await navigator.credentials.create({ publicKey: options })
      : await navigator.credentials.get({ publicKey: options });
    const { response } = made;
    const parts = isNew
      ? {
          attestationObject: text(response.attestationObject),
          transports: response.getTransports?.() ?? [],
        }
      : {
          authenticatorData: text(response.authenticatorData),
          signature: text(response.signature),
          userHandle: response.userHandle ? text(response.userHandle) : null,
        };
    form.elements.credential.value = JSON.stringify({
      id: made.id,
      rawId: text(made.rawId),
      type: made.type,
      extensions: JSON.stringify(made.getClientExtensionResults()),
      transports: parts.transports,
      response: { clientDataJSON: text(response.clientDataJSON), ...parts },
    });
    form.submit();
  } catch (problem) {
    // A passkey belongs to a name: at an address of numbers, no browser makes one. Without https, none is asked.
    const nowhere = !navigator.credentials || problem.name === "SecurityError";
    says.textContent = nowhere ? form.dataset.nowhere : form.dataset.failed;
  }
}
form.querySelector("[data-passkey-go]").addEventListener("click", ask);
ask();
