import { mount } from "svelte";

import "./app.css";
import App from "./App.svelte";
import { chooseLanguage, currentLanguage } from "./lib/language.svelte";
import { chooseTheme, currentTheme } from "./lib/theme.svelte";

chooseLanguage(currentLanguage());
chooseTheme(currentTheme());

const target = document.getElementById("app");
if (target) mount(App, { target });
