"use strict";
// Everything about the person is in `mine`, which is kept in this browser. Texts are set as text, never as HTML.
const { ids, least, most } = document.body.dataset, LEAST = +least, MOST = +most;  // films with other ids are others
const KEY = `movierec ${ids}`, ASKED = 10, LISTED = 10, SHOWN = 3, KEYS_MS = 900, TYPING_MS = 120;
const $ = id => document.getElementById(id);
const mine = Object.assign({ ratings: {}, hidden: {}, skipped: [] }, stored());
let questions = [], pending = new AbortController(), searching = new AbortController();

function stored() {
  try { return JSON.parse(localStorage.getItem(KEY)) || {}; } catch { return {}; }
}

function el(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties))
    name.startsWith("aria") ? element.setAttribute(name.replace("aria", "aria-").toLowerCase(), value) : element[name] = value;
  element.append(...children.filter(child => child !== null));
  return element;
}

async function ask(path, options = {}) {
  const answer = await fetch(path, options);
  const content = await answer.json();
  if (!answer.ok) throw new Error((content.field ? content.field + ": " : "") + content.message);
  return content;
}

const post = (path, body, signal) =>
  ask(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body), signal });
const ratings = () => Object.entries(mine.ratings).map(([id, film]) => ({ movie_id: +id, stars: film.stars }));
const brief = film => ({ title: film.title, year: film.year });
const full = film => film.year ? `${film.title} (${film.year})` : film.title;
const language = code => new Intl.DisplayNames("en", { type: "language" }).of(code);
const say = stars => stars ? `${stars} ${stars === 1 ? "star" : "stars"}` : "not rated";

function fail(error) {
  if (error.name === "AbortError") return;
  $("problem").textContent = error instanceof TypeError ? "The server does not answer. Is it still running?" : error.message;
  $("problem").hidden = false;
}

// --- one film -------------------------------------------------------------------------------------------------
function starsControl(film) {
  const input = el("input", { type: "range", min: 0, max: MOST, step: MOST / 10, ariaLabel: `Your stars for ${full(film)}` });
  const fill = el("span"), control = el("div", { className: "stars" }, fill, input);
  const own = () => mine.ratings[film.movie_id]?.stars || 0;
  let timer = 0, touched = false;
  const show = value => {
    input.value = value;
    input.setAttribute("aria-valuetext", say(value));
    fill.style.width = `${value / MOST * 100}%`;
  };
  const commit = () => {
    clearTimeout(timer);
    if (touched && +input.value) rate(film, Math.max(LEAST, +input.value));
    touched = false;
  };
  const at = event => {
    const box = control.getBoundingClientRect();
    return Math.min(10, Math.max(1, Math.ceil((event.clientX - box.left) / box.width * 10))) * MOST / 10;
  };
  input.addEventListener("input", () => { touched = true; show(+input.value); clearTimeout(timer); timer = setTimeout(commit, KEYS_MS); });
  input.addEventListener("keydown", event => { if (event.key === "Enter") commit(); });
  input.addEventListener("blur", commit);
  control.addEventListener("pointermove", event => { if (event.pointerType === "mouse") fill.style.width = `${at(event) / MOST * 100}%`; });
  control.addEventListener("pointerleave", () => show(+input.value));
  control.addEventListener("click", event => { touched = true; show(at(event)); commit(); });
  show(own());
  return control;
}

function filmItem(film, ...acts) {
  const name = el("div", { className: "name" }, film.title + " ", el("span", { className: "year" }, film.year ? String(film.year) : ""));
  const more = el("div", { className: "more" });
  if (film.stars !== undefined && film.stars !== null && film.genres) {
    const range = film.range ? ` (${film.range[0]} to ${film.range[1]})` : "";
    more.append(el("span", { className: "expected" }, el("b", { ariaLabel: `${film.stars.toFixed(1)} stars expected`, role: "img" },
      film.stars.toFixed(1)), range), " · ");
  }
  if (film.genres) more.append([film.genres.join(", "), ...(film.minutes ? [`${film.minutes} min`] : []),
    ...(film.language && film.language !== "en" ? [language(film.language)] : []),
    `${film.num_ratings.toLocaleString("en")} ratings`].join(" · "));
  for (const [label, address] of [["IMDb", film.imdb_url], ["TMDb", film.tmdb_url]])
    if (address) more.append(" · ", el("a", { href: address, target: "_blank", rel: "noreferrer", ariaLabel: `${full(film)} at ${label}` }, label));
  const item = el("li", {}, name, el("div", { className: "side" }, starsControl(film)), film.genres ? more : null);
  if (film.because) item.append(el("div", { className: "more" }, `Because you rated ${film.because}`));
  if (acts.length) item.append(el("div", { className: "acts" }, ...acts));
  item.dataset.film = film.movie_id;
  return item;
}

const button = (text, film, action) => el("button", { type: "button", onclick: action, ariaLabel: `${text}: ${full(film)}` }, text);
const likeThis = film => button("Films like this", film, () => showAlike(film).catch(fail));
const away = (text, film) => button(text, film, () => { mine.hidden[film.movie_id] = brief(film); changed(); });

// --- what changes -----------------------------------------------------------------------------------------------
function rate(film, stars) {
  mine.ratings[film.movie_id] = { stars, ...brief(film) };
  delete mine.hidden[film.movie_id];
  changed();
}

function changed() {
  try { localStorage.setItem(KEY, JSON.stringify(mine)); } catch { fail(new Error("The browser keeps nothing: its storage is full or off.")); }
  showMine();
  showQuestions();
  return refresh();
}

function replace(list, items) {
  const place = [...list.children].findIndex(item => item.contains(document.activeElement));
  list.replaceChildren(...items);
  if (place >= 0) (list.children[Math.min(place, items.length - 1)]?.querySelector("input, button") || $("list-title")).focus();
}

async function refresh() {
  pending.abort();
  pending = new AbortController();
  const chosen = id => $(id)?.value, decade = chosen("decade"), own = ratings();
  const request = {
    ratings: own, exclude: Object.keys(mine.hidden).map(Number), top: LISTED, novelty: +$("novelty").value,
    genres: chosen("genre") ? [chosen("genre")] : [], years: decade ? [+decade, +decade + 9] : null,
    languages: chosen("language") ? [chosen("language")] : [], minutes: chosen("minutes") ? chosen("minutes").split(" ").map(Number) : null,
  };
  try {
    const { films, notes } = await post("api/recommend", request, pending.signal);
    $("problem").hidden = true;
    $("list-title").textContent = own.length ? "Ten films for you" : "Ten films most people like";
    replace($("films"), films.map(film => filmItem(film, away("Seen it", film), away("Not for me", film), likeThis(film))));
    $("notes").replaceChildren(...notes.map(note => el("p", {}, note)));
  } catch (error) { fail(error); }
}

function showMine() {
  const rated = Object.entries(mine.ratings).reverse(), away = Object.entries(mine.hidden);
  const item = ([id, film], remove) => {
    const one = { movie_id: +id, ...film };
    const shown = filmItem({ movie_id: +id, ...brief(film) });
    shown.querySelector(".side").append(button("Remove", one, remove));
    return shown;
  };
  $("mine-title").textContent = rated.length ? `Your ratings (${rated.length})` : "Your ratings";
  $("empty").hidden = rated.length > 0;
  replace($("rated"), rated.map(entry => item(entry, () => { delete mine.ratings[entry[0]]; changed(); })));
  replace($("hidden"), away.map(entry => item(entry, () => { delete mine.hidden[entry[0]]; changed(); })));
  $("away").hidden = !away.length;
  $("export").disabled = !rated.length;
}

function showQuestions() {
  const known = new Set([...Object.keys(mine.ratings), ...Object.keys(mine.hidden), ...mine.skipped.map(String)]);
  const number = Object.keys(mine.ratings).length, left = questions.filter(film => !known.has(String(film.movie_id)));
  $("start").hidden = number >= ASKED || !left.length;
  $("progress").textContent = number ? `${number} of ${ASKED} rated.` : "";
  replace($("questions"), left.slice(0, SHOWN).map(film => {
    const item = filmItem(film);
    item.querySelector(".more").remove();
    item.querySelector(".side").append(button("Skip", film, () => { mine.skipped.push(film.movie_id); changed(); }));
    return item;
  }));
}

async function search() {
  searching.abort();
  searching = new AbortController();
  const text = $("search").value.trim(), signal = searching.signal;
  let films = [];
  if (text) films = (await ask(`api/films?top=6&search=${encodeURIComponent(text)}`, { signal })).films;
  if (films.length && ratings().length) {
    const movie_ids = films.map(film => film.movie_id);
    films = (await post("api/predict", { ratings: ratings(), movie_ids }, signal)).films;
  }
  $("found").replaceChildren(...films.map(film => filmItem(film, likeThis(film))));
  $("found-none").textContent = text && !films.length ? "No film has such a title." : "";
}

async function showAlike(film) {
  const { films } = await ask(`api/similar/${film.movie_id}`);
  $("alike-title").textContent = `Films like ${full(film)}`;
  $("alike-films").replaceChildren(...films.map(one => filmItem(one)));
  if (!$("alike").open) $("alike").showModal();
}

async function bring(file) {
  const found = await ask("api/import", { method: "POST", headers: { "Content-Type": "application/octet-stream" }, body: file });
  for (const film of found.ratings) mine.ratings[film.movie_id] = { stars: film.stars, ...brief(film) };
  for (const film of found.seen) mine.hidden[film.movie_id] = brief(film);
  const seen = found.seen.length ? ` ${found.seen.length} seen and not rated will not be listed.` : "";
  const lines = [`Read ${found.ratings.length} ratings from ${file.name}.${seen}`, ...found.notes];
  $("imported").replaceChildren(...lines.map(line => el("p", {}, line)));
  if (found.unmatched.length)
    $("imported").append(el("details", { open: found.unmatched.length < 6 }, el("summary", {}, `Not found: ${found.unmatched.length}`),
      el("ul", {}, ...found.unmatched.map(name => el("li", {}, name)))));
  await changed();
}

function exportRatings() {
  const quote = text => `"${String(text).replaceAll('"', '""')}"`;
  const lines = Object.entries(mine.ratings).map(([id, film]) => [id, quote(film.title), film.year ?? "", film.stars].join(","));
  const blob = new Blob([["movieId,title,year,rating", ...lines, ""].join("\n")], { type: "text/csv" });
  const link = el("a", { href: URL.createObjectURL(blob), download: "ratings.csv" });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

function deleteAll() {
  Object.assign(mine, { ratings: {}, hidden: {}, skipped: [] });
  changed();
  localStorage.removeItem(KEY);
  $("imported").replaceChildren();
  $("file").value = "";
}

const told = action => Promise.resolve(action()).catch(error => {
  if (error.name !== "AbortError") $("imported").replaceChildren(el("p", { className: "warning" }, error.message));
});
let typing = 0;
$("search").addEventListener("input", () => { clearTimeout(typing); typing = setTimeout(() => search().catch(fail), TYPING_MS); });
$("filters").addEventListener("submit", event => event.preventDefault());
$("filters").addEventListener("input", () => refresh());
$("file").addEventListener("change", event => { if (event.target.files[0]) told(() => bring(event.target.files[0])); });
$("export").addEventListener("click", exportRatings);
$("delete").addEventListener("click", deleteAll);
addEventListener("dragover", event => { event.preventDefault(); document.body.classList.add("dragged"); });
addEventListener("dragleave", () => document.body.classList.remove("dragged"));
addEventListener("drop", event => {
  event.preventDefault();
  document.body.classList.remove("dragged");
  if (event.dataTransfer.files[0]) told(() => bring(event.dataTransfer.files[0]));
});
for (const option of document.querySelectorAll("#language option[value='']~option")) {
  option.value = option.text;
  option.text = language(option.value);
}
showMine();
refresh();
ask("api/questions").then(found => { questions = found.films; showQuestions(); }).catch(fail);
