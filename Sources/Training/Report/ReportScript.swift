/// What the page does: it shows the numbers under the pointer.
enum ReportScript {
  static let text = HTML(
    verbatim: """
      "use strict";
      (function () {
        function place(svg, event) {
          var box = svg.getBoundingClientRect();
          var view = svg.viewBox.baseVal;
          return { x: (event.clientX - box.left) * view.width / box.width, y: (event.clientY - box.top) * view.height / box.height };
        }
        function nearest(points, x) {
          var best = 0;
          for (var i = 1; i < points.length; i++) {
            if (Math.abs(points[i][0] - x) < Math.abs(points[best][0] - x)) best = i;
          }
          return best;
        }
        document.querySelectorAll("svg.plot").forEach(function (svg) {
          var output = svg.parentElement.querySelector(".value");
          var cursor = svg.querySelector(".cursor");
          if (!output || !cursor) return;
          var lines = Array.from(svg.querySelectorAll("polyline[data-values]")).map(function (line) {
            return {
              name: line.dataset.name, steps: line.dataset.steps.split(";"), values: line.dataset.values.split(";"),
              points: line.getAttribute("points").split(" ").map(function (point) { return point.split(",").map(Number); })
            };
          });
          if (!lines.length) return;
          svg.addEventListener("pointermove", function (event) {
            var x = place(svg, event).x;
            var at = nearest(lines[0].points, x);
            var shown = lines[0].points[at][0];
            cursor.removeAttribute("hidden");
            cursor.firstElementChild.setAttribute("x1", shown);
            cursor.firstElementChild.setAttribute("x2", shown);
            var texts = lines.map(function (line) {
              var i = nearest(line.points, shown);
              return (lines.length > 1 ? line.name + " " : "") + line.values[i];
            });
            output.textContent = svg.dataset.unit + " " + lines[0].steps[at] + ": " + texts.join(", ");
          });
          svg.addEventListener("pointerleave", function () {
            cursor.setAttribute("hidden", "");
            output.textContent = output.dataset.last;
          });
        });
        var names = document.getElementById("names");
        var pictures = names ? JSON.parse(names.textContent) : null;
        document.querySelectorAll(".map").forEach(function (card) {
          var svg = card.querySelector("svg.dots"), tip = card.querySelector(".tip"), mark = card.querySelector(".mark");
          if (!pictures || !svg || !tip || !mark) return;
          var dots = Array.from(svg.querySelectorAll("circle:not(.mark)")).map(function (dot) {
            return { x: Number(dot.getAttribute("cx")), y: Number(dot.getAttribute("cy")) };
          });
          function hide() { tip.hidden = true; mark.setAttribute("hidden", ""); }
          function show(event) {
            var at = place(svg, event), best = -1, least = 400;
            dots.forEach(function (dot, i) {
              var distance = (dot.x - at.x) * (dot.x - at.x) + (dot.y - at.y) * (dot.y - at.y);
              if (distance < least) { least = distance; best = i; }
            });
            if (best < 0) return hide();
            mark.removeAttribute("hidden");
            mark.setAttribute("cx", dots[best].x);
            mark.setAttribute("cy", dots[best].y);
            tip.textContent = "";
            if (best < pictures.count) {
              var picture = document.createElement("i");
              picture.className = "t";
              picture.style.setProperty("--x", best % pictures.columns);
              picture.style.setProperty("--y", Math.floor(best / pictures.columns));
              tip.appendChild(picture);
            }
            tip.appendChild(document.createTextNode(pictures.names[best]));
            tip.hidden = false;
            var box = svg.getBoundingClientRect(), outer = card.getBoundingClientRect();
            var view = svg.viewBox.baseVal.width, scale = box.width / view;
            var left = box.left - outer.left + dots[best].x * scale + 12;
            var top = box.top - outer.top + dots[best].y * scale + 12;
            tip.style.left = Math.max(4, Math.min(left, outer.width - tip.offsetWidth - 4)) + "px";
            tip.style.top = Math.max(4, Math.min(top, outer.height - tip.offsetHeight - 4)) + "px";
          }
          svg.addEventListener("pointermove", show);
          svg.addEventListener("pointerdown", show);
          svg.addEventListener("pointerleave", function (event) { if (event.pointerType === "mouse") hide(); });
        });
      })();
      """)
}
