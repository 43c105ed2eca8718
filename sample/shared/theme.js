/** The button `#theme` switches between light and dark. Until then the page follows the system. */

function setTheme(theme) {
  document.documentElement.style.colorScheme = theme;
}

document.getElementById('theme').addEventListener('click', () => {
  const set = localStorage.getItem('theme');
  const isDark = set === null ? matchMedia('(prefers-color-scheme: dark)').matches : set === 'dark';
  localStorage.setItem('theme', isDark ? 'light' : 'dark');
  setTheme(isDark ? 'light' : 'dark');
});
setTheme(localStorage.getItem('theme') ?? '');
