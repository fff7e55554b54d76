// Seek and sort in tables, and say where a page is old. Without this script all is there to read, in Swedish order.
"use strict";

const swedish = new Intl.Collator("sv", { numeric: true });

/** What a cell is sorted by: a number that it is given, a moment, or its words. */
function valueOf(row, column) {
  const cell = row.cells[column];
  const time = cell.querySelector("time");
  return cell.dataset.by ?? (time ? time.dateTime : cell.textContent.trim());
}

function sort(table, column, header) {
  const falls = header.getAttribute("aria-sort") === "ascending";
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  header.setAttribute("aria-sort", falls ? "descending" : "ascending");
  const body = table.tBodies[0];
  const rows = [...body.rows].map((row) => [valueOf(row, column), row]);
  rows.sort(([a], [b]) => (falls ? swedish.compare(b, a) : swedish.compare(a, b)));
  body.append(...rows.map(([, row]) => row));
}

/** Make each heading a button that sorts by its column. */
function letSort(table) {
  [...table.tHead.rows[0].cells].forEach((header, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...header.childNodes);
    header.append(button);
    button.addEventListener("click", () => sort(table, column, header));
  });
}

/** Put a field before a table, in which rows stay that have every word of it. */
function letSeek(table, number) {
  const { seek, shown } = table.dataset;
  const place = document.createElement("div");
  const label = document.createElement("label");
  const field = document.createElement("input");
  const told = document.createElement("p");
  place.className = "seek";
  label.htmlFor = field.id = `seek-${number}`;
  label.textContent = seek;
  field.type = "search";
  told.setAttribute("role", "status");
  place.append(label, field, told);
  table.parentElement.before(place);
  const rows = [...table.tBodies[0].rows].map((row) => [row.textContent.toLocaleLowerCase("sv"), row]);
  field.addEventListener("input", () => {
    const words = field.value.toLocaleLowerCase("sv").split(/\s+/).filter(Boolean);
    let left = 0;
    for (const [text, row] of rows) {
      row.hidden = !words.every((word) => text.includes(word));
      left += row.hidden ? 0 : 1;
    }
    told.textContent = words.length ? shown.replace("{n}", left).replace("{of}", rows.length) : "";
  });
}

document.querySelectorAll("table.sought").forEach((table, number) => {
  letSort(table);
  letSeek(table, number);
});

for (const notice of document.querySelectorAll("[data-stale-hours]")) {
  const hours = (Date.now() - Date.parse(notice.dataset.at)) / 3_600_000;
  notice.hidden = !(hours > Number(notice.dataset.staleHours));
}
