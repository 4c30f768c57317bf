"use strict";
// The contents stand open where they have a column of their own.
document.getElementById("contents").open = matchMedia("(min-width: 75rem)").matches;

// What scrolls can be reached by the keyboard, and nothing else that does not act.
{
  const reach = () => {
    for (const each of document.querySelectorAll(".scroll")) each.tabIndex = each.scrollWidth > each.clientWidth ? 0 : -1;
  };
  addEventListener("load", reach);
  addEventListener("resize", reach);
}

// Headings become buttons that sort their column: up, then down. Rows without a value stay last.
{
  const words = new Intl.Collator("en", { numeric: true });
  const said = document.getElementById("said");

  const keyOf = (row, column) => {
    const cell = row.cells[column];
    return "key" in cell.dataset ? cell.dataset.key : cell.textContent;
  };

  const sort = (table, column, falling) => {
    const numeric = table.tHead.rows[0].cells[column].classList.contains("number");
    const compare = (one, other) => {
      const [a, b] = [keyOf(one, column), keyOf(other, column)];
      if (a === "" || b === "") return (a === "") - (b === "");
      const order = numeric ? Number(a) - Number(b) : words.compare(a, b);
      return falling ? -order : order;
    };
    table.tBodies[0].append(...[...table.tBodies[0].rows].sort(compare));
  };

  for (const table of document.querySelectorAll("table")) {
    const headings = [...table.tHead.rows[0].cells];
    headings.forEach((heading, column) => {
      const button = document.createElement("button");
      button.type = "button";
      heading.dataset.name = heading.textContent;
      button.append(...heading.childNodes);
      heading.append(button);
      button.addEventListener("click", () => {
        const falling = heading.getAttribute("aria-sort") === "ascending";
        for (const each of headings) each.removeAttribute("aria-sort");
        heading.setAttribute("aria-sort", falling ? "descending" : "ascending");
        sort(table, column, falling);
        said.textContent = `Sorted by ${button.textContent}, ${falling ? "descending" : "ascending"}`;
      });
    });
  }
}
