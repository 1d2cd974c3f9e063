const words = document.getElementById("words"), failed = document.getElementById("failed");
const shown = document.getElementById("shown"), cases = [...document.querySelectorAll("details.case")];
const texts = cases.map(found => (found.closest("section").querySelector("h2").textContent + " "
  + found.querySelector("summary").textContent).toLowerCase());
function show() {
  let count = 0;
  cases.forEach((found, index) => {
    const fits = texts[index].includes(words.value.trim().toLowerCase())
      && (!failed.checked || found.classList.contains("bad"));
    found.hidden = !fits;
    count += fits;
  });
  for (const section of document.querySelectorAll("section:has(details.case)"))
    section.hidden = !section.querySelector("details.case:not([hidden])");
  shown.textContent = `${count} of ${cases.length} cases`;
}
words.addEventListener("input", show);
failed.addEventListener("change", show);
document.querySelector("form").addEventListener("submit", event => event.preventDefault());
show();
