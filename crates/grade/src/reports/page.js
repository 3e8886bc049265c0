'use strict';
// A click on the head of a column sorts its table: up, and with the next click down.
for (const table of document.querySelectorAll('table.sorts')) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = document.createElement('button');
    button.type = 'button';
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener('click', () => {
      const down = head.ariaSort === 'ascending';
      for (const other of heads) other.removeAttribute('aria-sort');
      head.setAttribute('aria-sort', down ? 'descending' : 'ascending');
      const text = (row) => row.cells[column].textContent;
      const compare = (a, b) => text(a).localeCompare(text(b), undefined, { numeric: true });
      const rows = [...table.tBodies[0].rows].sort(compare);
      table.tBodies[0].append(...(down ? rows.reverse() : rows));
    });
  });
}

// A link to a student opens the details.
function openTarget() {
  const target = document.getElementById(location.hash.slice(1));
  if (target instanceof HTMLDetailsElement) {
    target.open = true;
    target.scrollIntoView();
  }
}
addEventListener('hashchange', openTarget);
openTarget();

// All details at once, and on paper.
const folded = [...document.querySelectorAll('details')];
const students = folded.filter((one) => one.matches('.student'));
const toggle = document.createElement('button');
toggle.type = 'button';
toggle.className = 'toggle';
toggle.textContent = 'open or close all';
toggle.addEventListener('click', () => {
  const open = !students.every((student) => student.open);
  for (const student of students) student.open = open;
});
document.getElementById('details').prepend(toggle);
let opened = [];
addEventListener('beforeprint', () => {
  opened = folded.filter((one) => !one.open);
  for (const one of opened) one.open = true;
});
addEventListener('afterprint', () => {
  for (const one of opened) one.open = false;
});
