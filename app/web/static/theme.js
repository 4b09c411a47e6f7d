// Before anything is drawn, so that no light page flashes in the dark.
document.documentElement.dataset.theme = localStorage.getItem("theme") ?? "auto";
