// Makes and shows passkeys, on the entrance and on the page about oneself. Without this script a code is the way in.
'use strict';

const says = document.getElementById('passkey-says');
const bytes = (text) => Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (one) => one.charCodeAt(0));
const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
const known = (list) => (list ?? []).map((one) => ({ ...one, id: bytes(one.id) }));

async function post(path, body) {
  const answer = await fetch(path, { method: 'POST', credentials: 'same-origin', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });
  const told = await answer.json();
  if (!answer.ok) throw new Error(told.detail);
  return told;
}

function plain(credential) {
  const response = {};
  for (const name of ['clientDataJSON', 'attestationObject', 'authenticatorData', 'signature', 'userHandle']) {
    if (credential.response[name]) response[name] = text(credential.response[name]);
  }
  return { id: credential.id, rawId: text(credential.rawId), type: credential.type, response };
}

async function add(form) {
  const options = await post('/v1/me/passkeys/make', {});
  const user = { ...options.user, id: bytes(options.user.id) };
  const publicKey = { ...options, user, challenge: bytes(options.challenge), excludeCredentials: known(options.excludeCredentials) };
  const made = await navigator.credentials.create({ publicKey });
  await post('/v1/me/passkeys', { name: new FormData(form).get('name'), answer: plain(made) });
  location.assign('/you');
}

async function come() {
  const options = await post('/v1/passkeys/ask', {});
  const publicKey = { ...options, challenge: bytes(options.challenge), allowCredentials: known(options.allowCredentials) };
  const shown = await navigator.credentials.get({ publicKey });
  await post('/v1/passkeys/come', { answer: plain(shown) });
  location.assign('/');
}

async function tried(button, ceremony) {
  button.disabled = true;
  says.hidden = true;
  try {
    await ceremony();
  } catch (wrong) {
    const nothing = 'Nothing was done: the device was not asked, or said no, or it took too long.';
    says.textContent = wrong instanceof DOMException ? (wrong.name === 'InvalidStateError' ? 'This device has a passkey of yours already.' : nothing) : wrong.message;
    says.hidden = false;
    button.disabled = false;
  }
}

if (window.PublicKeyCredential) {
  const adding = document.getElementById('add-passkey');
  const coming = document.getElementById('come-by-passkey');
  document.getElementById('no-passkeys')?.remove();
  if (adding) {
    adding.hidden = false;
    adding.addEventListener('submit', (event) => {
      event.preventDefault();
      tried(adding.querySelector('button'), () => add(adding));
    });
  }
  if (coming) {
    coming.hidden = false;
    coming.addEventListener('click', () => tried(coming, come));
  }
}
