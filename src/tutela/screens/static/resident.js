// Enhancements of the resident pages; all of them work without. Where you are is asked for when you press the button, and
// a draft stays on this device until it is sent.
const DRAFT = "tutela-draft";
const KEPT = ["category", "where", "words"]; // how somebody is reached is not left on a device that others may use

const form = document.querySelector("form[data-draft]");
const note = document.getElementById("draft");

function draft() {
  try {
    return JSON.parse(localStorage.getItem(DRAFT) ?? "{}");
  } catch {
    return {};
  }
}

function keep() {
  const said = draft();
  for (const name of KEPT) {
    const field = form.elements.namedItem(name);
    if (field && field.type !== "hidden" && field.value) said[name] = field.value;
  }
  try {
    localStorage.setItem(DRAFT, JSON.stringify(said));
    say(note.dataset.kept);
  } catch {
    // A browser that keeps nothing: then nothing is promised either.
  }
}

function say(words) {
  note.hidden = false;
  note.textContent = words;
}

if (document.querySelector("[data-sent]")) localStorage.removeItem(DRAFT);

if (form && note) {
  const said = draft();
  for (const name of KEPT) {
    const field = form.elements.namedItem(name);
    if (field && field.type !== "hidden" && !field.value && said[name]) field.value = said[name];
  }
  form.addEventListener("input", keep);
  form.addEventListener("submit", (event) => {
    if (navigator.onLine) return;
    event.preventDefault();
    keep();
    say(note.dataset.offline);
  });
}

const locate = document.querySelector("button[data-locate]");
if (locate && navigator.geolocation && window.isSecureContext) {
  locate.hidden = false;
  locate.addEventListener("click", () => {
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => {
        locate.form.elements.namedItem("lat").value = coords.latitude.toFixed(5);
        locate.form.elements.namedItem("lon").value = coords.longitude.toFixed(5);
        locate.textContent = locate.dataset.found;
      },
      () => {
        locate.textContent = locate.dataset.no;
      },
      { timeout: 10000, maximumAge: 60000 },
    );
  });
}

// Pointing at the map moves the place; the ring goes along. Without a script the place is what was written.
const picture = document.querySelector("[data-point]")?.parentElement;
if (picture && form) {
  const note = picture.querySelector("[data-point]");
  const svg = picture.querySelector("svg");
  note.hidden = false;
  svg.addEventListener("click", (event) => {
    const box = svg.getBoundingClientRect();
    const drawn = svg.viewBox.baseVal.width;
    const [east, south] = [
      event.clientX - box.left - box.width / 2,
      event.clientY - box.top - box.height / 2,
    ].map((pixels) => (pixels * picture.dataset.metres) / box.width);
    const [lat, lon] = [Number(picture.dataset.lat), Number(picture.dataset.lon)];
    const wide = 111195 * Math.cos((lat * Math.PI) / 180);
    form.elements.namedItem("lat").value = (lat - south / 111195).toFixed(6);
    form.elements.namedItem("lon").value = (lon + east / wide).toFixed(6);
    const ring = svg.querySelector(".map-ring");
    ring.setAttribute("cx", ((event.clientX - box.left) * drawn) / box.width);
    ring.setAttribute("cy", ((event.clientY - box.top) * drawn) / box.width);
    note.textContent = picture.dataset.moved;
  });
}
