// Long work goes on by itself; without scripts one presses the button.
const work = document.querySelector("form[data-go-on]");
if (work) setTimeout(() => work.requestSubmit(), 400);
